import { inferenceMode, randperm, scope, type Tensor, Generator as TorchGenerator } from "@disback/torch";
import type { Dataset } from "../data/dataset.js";

/**
 * Samples of a dataset, batch by batch, without labels. The order is random but always the same: folders are often
 * sorted by class, and then the first samples are not typical.
 * @param count largest number of samples (default: all)
 */
export async function* datasetBatches(
  dataset: Dataset,
  batchSize: number,
  count = dataset.length,
): AsyncGenerator<Tensor> {
  const chosen = mixedOrder(dataset.length, count);
  for (let start = 0; start < chosen.length; start += batchSize) {
    const { samples, labels } = await dataset.batch(chosen.slice(start, start + batchSize));
    labels?.dispose();
    yield samples;
  }
}

/** The places of a dataset's samples in the order of `datasetBatches`. */
export function mixedOrder(length: number, count: number): number[] {
  const order = scope(() => randperm(length, { generator: new TorchGenerator(0) }).data());
  return Array.from(order.subarray(0, count), Number);
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
