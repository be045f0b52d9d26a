import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** The axes from `start` to `end` as one; by default all but the batch's. */
export class Flatten extends Module {
  constructor(
    private readonly start = 1,
    private readonly end = -1,
  ) {
    super();
  }

  forward(input: Tensor): Tensor {
    return input.flatten(this.start, this.end);
  }
}

/** One axis as several of these sizes. */
export class Unflatten extends Module {
  constructor(
    private readonly dim: number,
    private readonly sizes: readonly number[],
  ) {
    super();
  }

  forward(input: Tensor): Tensor {
    return input.unflatten(this.dim, this.sizes);
  }
}
