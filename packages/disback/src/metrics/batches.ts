import { inferenceMode, scope, type Tensor } from "@disback/torch";
import type { Dataset } from "../data/dataset.js";

/**
 * The samples of a dataset in order, batch by batch, without labels.
 * @param count how many, from the first (default: all)
 */
export async function* datasetBatches(
  dataset: Dataset,
  batchSize: number,
  count = dataset.length,
): AsyncGenerator<Tensor> {
  for (let start = 0; start < count; start += batchSize) {
    const size = Math.min(batchSize, count - start);
    const { samples, labels } = await dataset.batch(
      Int32Array.from({ length: size }, (_, index) => start + index),
    );
    labels?.dispose();
    yield samples;
  }
}

/**
 * Generated samples, batch by batch, until there are `count`. Only one batch is held at a time.
 * @param generate gives `n` samples `[n, ...]`; runs under inference mode and within a scope
 */
export function* generatedBatches(
  generate: (count: number) => Tensor,
  count: number,
  batchSize: number,
): Generator<Tensor> {
  for (let done = 0; done < count; done += batchSize) {
    const size = Math.min(batchSize, count - done);
    yield inferenceMode(() => scope(() => generate(size)));
  }
}
