import { rowMajor } from "../checkpoint/assembled-tensor.js";
import { StoredNumbers, StoredTensor } from "../checkpoint/stored-tensor.js";
import type { PickleValue } from "../pickle/values.js";
import type { PersistentObject } from "./persistent-object.js";

/** Our own export of an object of NVlabs/edm: its constructor arguments and its weights. */
export interface Construction {
  arguments: ReadonlyMap<PickleValue, PickleValue>;
  weights: ReadonlyMap<PickleValue, PickleValue>;
}

/** An object as our export writes it; undefined for one of the original's. */
export function constructionOf({ state }: PersistentObject): Construction | undefined {
  const given = state.get("arguments");
  const weights = state.get("weights");
  return given instanceof Map && weights instanceof Map ? { arguments: given, weights } : undefined;
}

/**
 * The weights, float32 row by row, by key.
 * @param fail called with a key whose shape and numbers do not fit
 */
export function constructionTensors(
  { weights }: Construction,
  fail: (problem: string) => never,
): Map<PickleValue, StoredTensor> {
  const tensors = new Map<PickleValue, StoredTensor>();
  for (const [key, entry] of weights) {
    const [shape, bytes] = Array.isArray(entry) ? (entry as PickleValue[]) : [];
    if (!isShape(shape) || !(bytes instanceof Uint8Array))
      return fail(`${String(key)}: not a shape and its numbers`);
    const count = shape.reduce((product, size) => product * size, 1);
    if (bytes.length !== 4 * count) {
      return fail(`${String(key)}: ${bytes.length} bytes for the ${count} numbers of [${shape.join(", ")}]`);
    }
    const numbers = new StoredNumbers("float32", 4, count, () => bytes);
    tensors.set(key, new StoredTensor(numbers, 0, shape, rowMajor(shape), fail));
  }
  return tensors;
}

function isShape(value: PickleValue | undefined): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 16 &&
    value.every((size) => Number.isSafeInteger(size) && Number(size) >= 0)
  );
}
