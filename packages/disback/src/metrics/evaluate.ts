import { inferenceMode, keep, type ProcessGroup, scope, type Tensor, zeros } from "@disback/torch";
import type { MixtureModes } from "../data/toys/distribution.js";
import type { MovingDigits } from "../data/toys/moving-digits.js";
import { DisbackError } from "../errors.js";
import { generatedBatches } from "./batches.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import { frechetDistance } from "./frechet-distance.js";
import { inceptionScore } from "./inception-score.js";
import { kid } from "./kernel-distance.js";
import type { MetricName } from "./metric-names.js";
import { modeCoverage } from "./mode-coverage.js";
import { MotionMeter } from "./motion-figures.js";
import { precisionRecall } from "./precision-recall.js";
import { type Reference, requireSameExtractor } from "./reference.js";
import { shareBatches } from "./shared-batches.js";
import { slicedWasserstein } from "./sliced-wasserstein.js";
import { StatisticsAccumulator } from "./statistics.js";

/** Metrics of texts, and of pairs of a picture and a text, which have another way of judging. */
const textMetrics: readonly MetricName[] = [
  "trigramDivergence",
  "textPerplexity",
  "validWords",
  "distinctPairs",
  "agreement",
];

/** Metrics that compare sets of points, and so need the features themselves. */
const pointMetrics: readonly MetricName[] = ["kid", "precisionRecall", "slicedWasserstein", "modeCoverage"];

/** Metrics of clips of moving digits. */
const motionMetrics = ["motionError", "readableDigits", "readableFrames"] as const;

export { type MetricName, metricNames } from "./metric-names.js";

/** Options of {@link evaluate}. */
export interface EvaluationOptions {
  /** Either a function that returns `n` samples `[n, ...]` (run under inference mode, in a scope) ... */
  generate?: (count: number) => Tensor;
  /** Processes that evaluate together: each generates a part of the batches, all get the figures. */
  group?: ProcessGroup;
  /** With `group`: skips the next `n` samples, which another process generates. */
  skip?: (count: number) => void;
  /** ... or a stream of samples, for example of a folder of images. Batches are released after use. */
  batches?: AsyncIterable<Tensor> | Iterable<Tensor>;
  /** Number of samples to generate, or largest number taken from the stream. */
  count: number;
  extractor: FeatureExtractor;
  reference: Reference;
  /** Default `["fid"]`. */
  metrics?: readonly MetricName[];
  /** Samples per call of `generate` (default 128). */
  batchSize?: number;
  /** The mixture's modes, for `modeCoverage`. */
  modes?: MixtureModes;
  /** What moving digits look like, for the metrics of their motion. */
  digits?: MovingDigits;
  /** Seed of random subsets and projections (default 0). */
  seed?: number;
  /** Called after each batch. A promise is waited for, except with `group`. */
  onProgress?: (done: number, count: number) => unknown;
}

/** Measured values; only the requested ones are present. */
export interface Evaluation {
  /** Name of the feature extractor; print it with every number. */
  extractor: string;
  /** Number of samples judged. */
  samples: number;
  fid?: number;
  kid?: number;
  kidDeviation?: number;
  inceptionScore?: number;
  inceptionScoreDeviation?: number;
  precision?: number;
  recall?: number;
  slicedWasserstein?: number;
  modeCoverage?: number;
  highQuality?: number;
  trigramDivergence?: number;
  textPerplexity?: number;
  validWords?: number;
  distinctPairs?: number;
  agreement?: number;
  motionError?: number;
  readableDigits?: number;
  readableFrames?: number;
}

/**
 * Compares samples with a reference. Memory is constant: moments are accumulated, and metrics that compare sets of
 * points keep only as many features as the reference has.
 */
export async function evaluate(options: EvaluationOptions): Promise<Evaluation> {
  const { extractor, reference, count, metrics = ["fid"], batchSize = 128, seed = 0 } = options;
  const wanted = new Set(metrics);
  check(options, wanted);
  using statistics = new StatisticsAccumulator(extractor.featureDim);
  const needsPoints = pointMetrics.some((metric) => wanted.has(metric));
  using features = new Rows(needsPoints ? Math.min(count, reference.features.shape[0]!) : 0);
  using probabilities = new Rows(wanted.has("inceptionScore") ? count : 0);
  const motion = motionMetrics.some((metric) => wanted.has(metric))
    ? new MotionMeter(options.digits!)
    : undefined;
  let done = 0;
  const take = (found: Tensor) => {
    statistics.add(found);
    features.add(found);
    done += found.shape[0]!;
  };
  const { group, generate, skip } = options;
  if (group && generate && skip && !wanted.has("inceptionScore") && !motion) {
    const { featureDim } = extractor;
    const share = { group, generate, skip, count, batchSize, featureDim };
    shareBatches({ ...share, features: (samples) => extractor.features(samples) }, (found) => {
      take(found);
      options.onProgress?.(done, count);
    });
  } else {
    for await (const batch of options.batches ?? generatedBatches(generate!, count, batchSize)) {
      inferenceMode(() =>
        scope(() => {
          const samples = batch.narrow(0, 0, Math.min(batch.shape[0]!, count - done));
          if (wanted.has("inceptionScore")) probabilities.add(extractor.probabilities!(samples));
          motion?.add(samples);
          take(extractor.features(samples));
        }),
      );
      batch.dispose();
      await options.onProgress?.(done, count);
      if (done >= count) break;
    }
  }
  if (done < 2) throw new DisbackError(`An evaluation needs at least 2 samples, got ${done}`);
  return scope(() => {
    const result: Evaluation = { extractor: extractor.name, samples: done };
    const moments = statistics.result();
    const rows = features.rows();
    if (wanted.has("fid")) result.fid = frechetDistance(moments, reference.statistics);
    if (wanted.has("kid")) {
      const { mean, deviation } = kid(rows, reference.features, { seed });
      Object.assign(result, { kid: mean, kidDeviation: deviation });
    }
    if (wanted.has("inceptionScore")) {
      const { mean, deviation } = inceptionScore(probabilities.rows());
      Object.assign(result, { inceptionScore: mean, inceptionScoreDeviation: deviation });
    }
    if (wanted.has("precisionRecall")) Object.assign(result, precisionRecall(reference.features, rows));
    if (wanted.has("slicedWasserstein"))
      result.slicedWasserstein = slicedWasserstein(rows, reference.features, { seed });
    if (wanted.has("modeCoverage")) {
      const { coverage, highQuality } = modeCoverage(rows, options.modes!);
      Object.assign(result, { modeCoverage: coverage, highQuality });
    }
    const figures: Partial<Evaluation> = motion?.result() ?? {};
    for (const name of motionMetrics) if (wanted.has(name)) result[name] = figures[name]!;
    return result;
  });
}

function check(options: EvaluationOptions, wanted: Set<MetricName>): void {
  const { extractor, reference } = options;
  requireSameExtractor(reference, extractor);
  const ofTexts = textMetrics.find((metric) => wanted.has(metric));
  if (ofTexts) throw new DisbackError(`${ofTexts}: is measured of texts only`);
  const unmeasurable =
    reference.features.shape[0] === 0 ? pointMetrics.find((metric) => wanted.has(metric)) : undefined;
  if (unmeasurable) {
    throw new DisbackError(
      `${unmeasurable}: the reference of ${reference.dataset} holds moments only, no features`,
    );
  }
  if ((options.generate === undefined) === (options.batches === undefined)) {
    throw new DisbackError("An evaluation takes either `generate` or `batches`");
  }
  if (wanted.has("inceptionScore") && !extractor.probabilities) {
    throw new DisbackError(`inceptionScore: extractor ${extractor.name} gives no class probabilities`);
  }
  if (wanted.has("modeCoverage") && !options.modes) {
    throw new DisbackError("modeCoverage: the modes of the distribution are not known");
  }
  const ofMotion = motionMetrics.find((metric) => wanted.has(metric));
  if (ofMotion && !options.digits)
    throw new DisbackError(`${ofMotion}: is measured of moving digits only (toy:moving-digits)`);
}

/** The first rows of a stream of matrices, in one block of memory allocated once. */
class Rows {
  private readonly capacity: number;
  private block: Tensor | undefined;
  private filled = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(rows: Tensor): void {
    const size = Math.min(rows.shape[0]!, this.capacity - this.filled);
    if (size <= 0) return;
    this.block ??= keep(zeros([this.capacity, rows.shape[1]!]));
    this.block.narrow(0, this.filled, size).copy_(rows.narrow(0, 0, size));
    this.filled += size;
  }

  rows(): Tensor {
    return this.block?.narrow(0, 0, this.filled) ?? zeros([0, 0]);
  }

  [Symbol.dispose](): void {
    this.block?.dispose();
  }
}
