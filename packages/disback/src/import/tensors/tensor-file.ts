import { existsSync } from "node:fs";
import {
  fromTypedArray,
  keep,
  noGrad,
  ops,
  readSafetensors,
  scope,
  type Tensor,
  TorchError,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { openCheckpoint } from "../checkpoint/open-checkpoint.js";
import type { StoredNumbers, StoredTensor } from "../checkpoint/stored-tensor.js";
import { findWeights } from "../find-weights.js";

/** Tensors by key, in the precision in which they are stored. */
export type TensorTable = Map<string, Tensor>;

/**
 * Opens a file of weights: `.safetensors`, whose tensors are views of the mapped file that take no memory until they are
 * used, or a PyTorch checkpoint, in which nothing is run.
 * @throws DisbackError naming the file, and the key if it is one tensor's fault
 */
export async function openTensorFile(path: string): Promise<TensorTable> {
  if (!existsSync(path)) throw new DisbackError(`${path}: no such file`);
  if (path.endsWith(".safetensors")) return mapped(path);
  const checkpoint = await openCheckpoint(path);
  try {
    return await readAll(findWeights(checkpoint).tensors, path);
  } finally {
    checkpoint.close();
  }
}

function mapped(path: string): TensorTable {
  try {
    const { tensors } = scope(() => {
      const file = readSafetensors(path);
      for (const tensor of file.tensors.values()) keep(tensor);
      return file;
    });
    return tensors;
  } catch (error) {
    throw error instanceof TorchError ? new DisbackError(error.message) : error;
  }
}

/** Each storage is read once; tensors are views of it. */
async function readAll(stored: ReadonlyMap<string, StoredTensor>, path: string): Promise<TensorTable> {
  const rows = new Map<StoredNumbers, Tensor>();
  const tensors: TensorTable = new Map();
  for (const [key, { numbers, shape, stride, offset }] of stored) {
    let row = rows.get(numbers);
    if (!row) {
      row = toRow(numbers, await numbers.read(), `${path}: ${key}`);
      rows.set(numbers, row);
    }
    const whole = row;
    tensors.set(
      key,
      noGrad(() => keep(ops.as_strided(whole, [...shape], [...stride], offset))),
    );
  }
  return tensors;
}

function toRow(numbers: StoredNumbers, bytes: Uint8Array, place: string): Tensor {
  const { dtype, itemBytes, length } = numbers;
  if (bytes.length !== length * itemBytes) {
    throw new DisbackError(`${place}: ${bytes.length} bytes are stored for ${length} numbers`);
  }
  if (numbers.bigEndian && itemBytes > 1) throw new DisbackError(`${place}: stored with the high byte first`);
  return scope(() => keep(ops.view_dtype(fromTypedArray(bytes, [bytes.length]), dtype)));
}
