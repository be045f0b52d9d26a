import { Module, ones, ops, parameter, type Tensor } from "@disback/torch";

/** Normalization by the root mean square, without a mean (Zhang and Sennrich 2019), over the last dimension. */
export class RootMeanSquareNorm extends Module {
  readonly weight: Tensor;

  constructor(
    private readonly size: number,
    private readonly eps = 1e-6,
  ) {
    super();
    this.weight = parameter(ones([size]));
  }

  /** @param x `[..., size]` @returns the same shape */
  forward(x: Tensor): Tensor {
    return ops.rms_norm(x, [this.size], this.weight, this.eps);
  }
}
