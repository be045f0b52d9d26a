/** The available metrics. */
export const metricNames = [
  "fid",
  "kid",
  "inceptionScore",
  "precisionRecall",
  "slicedWasserstein",
  "modeCoverage",
  "trigramDivergence",
  "textPerplexity",
  "validWords",
  "distinctPairs",
] as const;
export type MetricName = (typeof metricNames)[number];
