import type { Fail } from "../pickle/fail.js";
import { type StoredNumbers, StoredTensor } from "./stored-tensor.js";

/** A window of stored numbers, and the window of our weight that it fills; both have the same shape. */
export interface Piece {
  from: StoredTensor;
  /** first number in the weight */
  offset: number;
  /** distance of neighbours along each dimension in the weight, in numbers */
  stride: readonly number[];
}

/** A weight that foreign files store in another layout: transposed, split, or in several tensors. */
export class AssembledTensor {
  constructor(
    /** its keys in the file, for messages */
    readonly name: string,
    readonly shape: readonly number[],
    /** pieces that fill the weight without gaps */
    readonly pieces: readonly Piece[],
  ) {}
}

/** A weight as in the file, or assembled from parts of the file. */
export type StoredWeight = StoredTensor | AssembledTensor;

/** The pieces of a weight; an unchanged tensor is one piece. */
export function piecesOf(weight: StoredWeight): readonly Piece[] {
  if (weight instanceof AssembledTensor) return weight.pieces;
  return [{ from: weight, offset: 0, stride: rowMajor(weight.shape) }];
}

/** Count of the stored numbers of these weights; shared ones count once. */
export function storedNumbers(weights: ReadonlyMap<string, StoredWeight>): number {
  const distinct = new Set<StoredNumbers>();
  for (const weight of weights.values()) for (const { from } of piecesOf(weight)) distinct.add(from.numbers);
  return [...distinct].reduce((sum, { length }) => sum + length, 0);
}

/** Strides of a tensor without gaps. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * A window of the same numbers as a tensor.
 * @param offset counted from the tensor's first number
 * @param fail called if the tensor's shape does not allow this window
 */
export function windowOf(
  { numbers, offset: start }: StoredTensor,
  window: { offset?: number; shape: readonly number[]; stride: readonly number[] },
  fail: Fail,
): StoredTensor {
  return new StoredTensor(numbers, start + (window.offset ?? 0), window.shape, window.stride, fail);
}
