import type { Tensor } from "./tensor.js";

/**
 * Tensors that are given to operators again and again, as the array of handles that the addon reads fastest.
 * The array is filled anew at each use, in the same memory: a tensor disposed meanwhile is noticed, not mistaken for
 * another that got its handle.
 */
export class TensorHandles {
  private readonly array: Uint32Array;

  constructor(private readonly tensors: readonly Tensor[]) {
    this.array = new Uint32Array(tensors.length);
  }

  get length(): number {
    return this.array.length;
  }

  /** To be passed on at once: the next call fills the same array. */
  current(): Uint32Array {
    const { array, tensors } = this;
    for (let i = 0; i < array.length; i++) array[i] = tensors[i]!.handle;
    return array;
  }
}
