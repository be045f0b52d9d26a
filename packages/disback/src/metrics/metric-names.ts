import { DisbackError } from "../errors.js";

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

/** @param what the samples, for the message @throws DisbackError naming a metric that is not among the measured ones */
export function requireMeasured(
  metrics: readonly MetricName[],
  measured: readonly MetricName[],
  what: string,
): void {
  const unknown = metrics.find((name) => !measured.includes(name));
  if (unknown) throw new DisbackError(`${unknown}: is not measured of ${what}, only ${measured.join(", ")}`);
}

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
