import { inferenceMode, keep, scope, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { FeatureExtractor } from "./feature-extractor.js";

/** First two moments of a set of features. */
export interface Statistics {
  /** `[F]`, float64 */
  mean: Tensor;
  /** `[F, F]`, float64, unbiased (divided by count - 1) */
  covariance: Tensor;
  /** Number of samples; 0 if unknown. */
  count: number;
}

/**
 * Mean and covariance of a stream of features, in float64 and in memory of O(F^2). Batches are merged by their own
 * means (Chan, Golub & LeVeque 1983), which avoids cancellation if the mean is large.
 */
export class StatisticsAccumulator {
  readonly featureDim: number;
  private count = 0;
  private readonly mean: Tensor;
  private readonly scatter: Tensor;

  /** @param featureDim number of features F */
  constructor(featureDim: number) {
    this.featureDim = featureDim;
    this.mean = keep(zeros([featureDim], { dtype: "float64" }));
    this.scatter = keep(zeros([featureDim, featureDim], { dtype: "float64" }));
  }

  /** @param features `[N, F]`, any float dtype and device */
  add(features: Tensor): void {
    const [size, width] = features.shape;
    if (features.ndim !== 2 || width !== this.featureDim) {
      throw new DisbackError(`Expected features [N, ${this.featureDim}], got [${features.shape.join(", ")}]`);
    }
    if (size === 0) return;
    scope(() => {
      const batch = features.detach().cpu().double();
      const batchMean = batch.mean(0);
      const centred = batch.sub(batchMean);
      const shift = batchMean.sub(this.mean);
      const total = this.count + size!;
      this.scatter.add_(centred.t().matmul(centred));
      this.scatter.add_(
        shift
          .unsqueeze(1)
          .matmul(shift.unsqueeze(0))
          .mul((this.count * size!) / total),
      );
      this.mean.add_(shift.mul(size! / total));
      this.count = total;
    });
  }

  /** @throws DisbackError with fewer than 2 samples, or when a feature was not finite */
  result(): Statistics {
    if (this.count < 2) throw new DisbackError(`Statistics need at least 2 samples, got ${this.count}`);
    const covariance = this.scatter.div(this.count - 1);
    const finite = scope(() => covariance.isfinite().all().item());
    if (!finite)
      throw new DisbackError("The features contain NaN or infinite values: the samples are broken");
    return { mean: this.mean.clone(), covariance, count: this.count };
  }

  [Symbol.dispose](): void {
    this.mean.dispose();
    this.scatter.dispose();
  }
}

/**
 * Statistics of all samples of a stream.
 * @param batches samples `[N, ...]` each; every batch is released after use
 */
export async function computeStatistics(
  extractor: FeatureExtractor,
  batches: AsyncIterable<Tensor> | Iterable<Tensor>,
): Promise<Statistics> {
  using accumulator = new StatisticsAccumulator(extractor.featureDim);
  for await (const batch of batches) {
    inferenceMode(() => scope(() => accumulator.add(extractor.features(batch))));
    batch.dispose();
  }
  return accumulator.result();
}
