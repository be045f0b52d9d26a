import { noGrad } from "../autograd.js";
import { empty } from "../creation.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

export interface DropoutOptions {
  /** draws the mask, so that a saved generator repeats it; the default generator if absent */
  generator?: Generator;
}

/** Zeroes each element with probability `p` while training and scales the others by 1 / (1 - p). */
export class Dropout extends Module {
  private readonly generator: Generator | undefined;

  /** @param p probability in [0, 1] */
  constructor(
    private readonly p = 0.5,
    options: DropoutOptions = {},
  ) {
    super();
    if (!(p >= 0 && p <= 1))
      throw new TorchError(`${this.constructor.name}: p must be between 0 and 1, not ${p}`);
    this.generator = options.generator;
  }

  forward(input: Tensor): Tensor {
    if (!this.training || this.p === 0) return input;
    if (!this.generator) return this.drop(input, this.p);
    return input.mul(this.mask(input, this.generator));
  }

  protected drop(input: Tensor, p: number): Tensor {
    return ops.dropout(input, p, true);
  }

  /** The shape of a mask for an input of this shape. */
  protected maskShape(shape: readonly number[]): readonly number[] {
    return shape;
  }

  private mask(input: Tensor, generator: Generator): Tensor {
    const { dtype, device } = input;
    return noGrad(() => {
      const mask = empty(this.maskShape(input.shape), { dtype, device });
      ops.bernoulli_(mask, 1 - this.p, generator);
      return this.p < 1 ? mask.div_(1 - this.p) : mask;
    });
  }
}

/** Zeroes whole channels of `[N, C, H, W]` (Tompson et al. 2015). */
export class Dropout2d extends Dropout {
  protected override drop(input: Tensor, p: number): Tensor {
    return ops.feature_dropout(input, p, true);
  }

  protected override maskShape([samples, channels, ...rest]: readonly number[]): readonly number[] {
    return [samples!, channels!, ...rest.map(() => 1)];
  }
}
