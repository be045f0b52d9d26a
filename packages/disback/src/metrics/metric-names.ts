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
  "agreement",
  "motionError",
  "readableDigits",
  "readableFrames",
] as const;
export type MetricName = (typeof metricNames)[number];

/** The figures of these that a training is followed by, in the order they are shown. */
export const followedFigures = [
  "fid",
  "slicedWasserstein",
  "modeCoverage",
  "trigramDivergence",
  "textPerplexity",
  "validWords",
  "distinctPairs",
  "agreement",
  "motionError",
  "readableDigits",
  "readableFrames",
] as const satisfies readonly MetricName[];
