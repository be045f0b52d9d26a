import { Generator, randperm } from "@disback/torch";
import type { Batch, Dataset } from "./dataset.js";

/** Numbers of `count` samples, or of all if there are fewer, in an order of chance that is always the same: data may be sorted. */
export function someRows({ length }: Pick<Dataset, "length">, count: number): number[] {
  const order = randperm(length, { generator: new Generator(0) }).data() as BigInt64Array;
  return Array.from(order.subarray(0, count), Number);
}

/** Those samples. */
export function someSamples(dataset: Dataset, count: number): Promise<Batch> {
  return dataset.batch(someRows(dataset, count));
}
