import { noGrad } from "../autograd.js";
import { emptyLike } from "../creation.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** x * sigmoid(x) (Elfwing et al. 2017), also called swish. */
export class SiLU extends Module {
  forward(input: Tensor): Tensor {
    return ops.silu(input);
  }
}

/** Hands its input through. */
export class Identity extends Module {
  forward(input: Tensor): Tensor {
    return input;
  }
}

/** Zeroes each element with probability `p` while training and scales the others by 1 / (1 - p). */
export class Dropout extends Module {
  private readonly generator: Generator | undefined;

  /**
   * @param p probability in [0, 1]
   * @param options.generator draws the mask, so that a saved generator repeats it; the default generator if absent
   */
  constructor(
    private readonly p = 0.5,
    options: { generator?: Generator } = {},
  ) {
    super();
    if (!(p >= 0 && p <= 1)) throw new TorchError(`Dropout: p must be between 0 and 1, not ${p}`);
    this.generator = options.generator;
  }

  forward(input: Tensor): Tensor {
    if (!this.training || this.p === 0) return input;
    if (!this.generator) return ops.dropout(input, this.p, true);
    return input.mul(this.mask(input, this.generator));
  }

  private mask(input: Tensor, generator: Generator): Tensor {
    return noGrad(() => {
      const mask = emptyLike(input);
      ops.bernoulli_(mask, 1 - this.p, generator);
      return this.p < 1 ? mask.div_(1 - this.p) : mask;
    });
  }
}
