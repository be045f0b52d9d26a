import type { Tensor } from "./tensor.js";

/**
 * Tensors that are passed to operators often, as the array of handles that the addon reads fastest. Each use refills
 * the same array, so that a disposed tensor is noticed, not mistaken for another with its old handle.
 */
export class TensorHandles {
  private readonly array: Uint32Array;

  constructor(private readonly tensors: readonly Tensor[]) {
    this.array = new Uint32Array(tensors.length);
  }

  get length(): number {
    return this.array.length;
  }

  /** Use it at once, because the next call refills the same array. */
  current(): Uint32Array {
    const { array, tensors } = this;
    for (let i = 0; i < array.length; i++) array[i] = tensors[i]!.handle;
    return array;
  }
}
