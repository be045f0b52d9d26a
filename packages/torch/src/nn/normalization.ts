import { insideJvp } from "../autograd.js";
import type { NativeFunction } from "../binding.js";
import { ones, zeros } from "../creation.js";
import { resolve, wrap } from "../door.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import type { LayerOptions } from "./initialization.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

export interface NormOptions extends LayerOptions {
  /** added to the variance, default 1e-5 */
  eps?: number;
  /** learn `weight` and `bias` (default true) */
  affine?: boolean;
}

let groupNorm: NativeFunction | undefined;

/** Group normalization (Wu and He 2018): zero mean and unit variance within each group of channels of each sample. */
export class GroupNorm extends Module {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  private readonly eps: number;

  constructor(
    private readonly groups: number,
    channels: number,
    options: NormOptions = {},
  ) {
    super();
    [this.weight, this.bias] = affineParameters([channels], options);
    this.eps = options.eps ?? 1e-5;
  }

  /** @param input `[N, C, ...]` @returns the same shape */
  forward(input: Tensor): Tensor {
    return this.normalized(input, false);
  }

  /** silu(forward(input)) (Elfwing et al. 2017). @returns the same shape */
  forwardSilu(input: Tensor): Tensor {
    return this.normalized(input, true);
  }

  /** On the CPU in float32 by a kernel of our own, otherwise by libtorch's operators. */
  private normalized(input: Tensor, silu: boolean): Tensor {
    const { groups, weight, bias, eps } = this;
    if (!weight || !bias || insideJvp()) {
      // libtorch's forward derivative of it takes contiguous tensors alone.
      const x = insideJvp() ? ops.clone(input, "contiguous") : input;
      const result = ops.group_norm(x, groups, weight, bias, eps);
      return silu ? ops.silu(result) : result;
    }
    groupNorm ??= resolve("disback::group_norm", "");
    return wrap(groupNorm(input.handle, groups, weight.handle, bias.handle, eps, silu));
  }
}

/** Layer normalization (Ba et al. 2016) over the last dimensions, whose sizes are `shape`. */
export class LayerNorm extends Module {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  private readonly shape: number[];
  private readonly eps: number;

  constructor(shape: number | number[], options: NormOptions = {}) {
    super();
    this.shape = typeof shape === "number" ? [shape] : shape;
    [this.weight, this.bias] = affineParameters(this.shape, options);
    this.eps = options.eps ?? 1e-5;
  }

  /** @param input `[..., ...shape]` @returns the same shape */
  forward(input: Tensor): Tensor {
    return ops.layer_norm(input, this.shape, this.weight, this.bias, this.eps);
  }
}

/** Root mean square normalization (Zhang and Sennrich 2019) over the last dimensions, whose sizes are `shape`. */
export class RMSNorm extends Module {
  readonly weight: Tensor | null;
  private readonly shape: number[];
  private readonly eps: number | null;

  /** @param options.eps default: the dtype's smallest step from 1 */
  constructor(shape: number | number[], options: NormOptions = {}) {
    super();
    this.shape = typeof shape === "number" ? [shape] : shape;
    const { dtype, device } = options;
    this.weight = options.affine === false ? null : parameter(ones(this.shape, { dtype, device }));
    this.eps = options.eps ?? null;
  }

  /** @param input `[..., ...shape]` @returns the same shape */
  forward(input: Tensor): Tensor {
    return ops.rms_norm(input, this.shape, this.weight, this.eps);
  }
}

/** @internal ones and zeros, unless `affine` is false */
export function affineParameters(shape: number[], options: NormOptions): [Tensor | null, Tensor | null] {
  if (options.affine === false) return [null, null];
  const placement = { dtype: options.dtype ?? "float32", device: options.device ?? "cpu" };
  return [parameter(ones(shape, placement)), parameter(zeros(shape, placement))];
}
