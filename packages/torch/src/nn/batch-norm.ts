import { noGrad } from "../autograd.js";
import { ones, zeros } from "../creation.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import type { LayerOptions } from "./initialization.js";
import { Module } from "./module.js";
import { affineParameters } from "./normalization.js";
import { buffer } from "./parameter.js";

export interface BatchNormOptions extends LayerOptions {
  /** added to the variance, default 1e-5 */
  eps?: number;
  /** weight of the new statistics in the running ones, default 0.1; null averages over all batches equally */
  momentum?: number | null;
  /** learn `weight` and `bias` (default true; false for instance normalization) */
  affine?: boolean;
  /** keep running statistics for evaluation (default true; false for instance normalization) */
  trackRunningStats?: boolean;
}

/** The common part of batch and instance normalization: parameters and running statistics of each channel, [C]. */
abstract class ChannelNorm extends Module {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly running_mean: Tensor | null;
  readonly running_var: Tensor | null;
  /** batches so far, int64 [] */
  readonly num_batches_tracked: Tensor | null;
  protected readonly eps: number;
  protected readonly momentum: number | null;

  constructor(
    channels: number,
    options: BatchNormOptions,
    /** allowed numbers of input axes */
    private readonly axes: readonly number[],
  ) {
    super();
    const placement = { dtype: options.dtype ?? "float32", device: options.device ?? "cpu" };
    [this.weight, this.bias] = affineParameters([channels], options);
    const tracks = options.trackRunningStats ?? true;
    this.running_mean = tracks ? buffer(zeros([channels], placement)) : null;
    this.running_var = tracks ? buffer(ones([channels], placement)) : null;
    this.num_batches_tracked = tracks ? buffer(zeros([], { ...placement, dtype: "int64" })) : null;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
  }

  /** @throws TorchError if the input has a wrong number of axes */
  protected requireAxes(input: Tensor): void {
    if (!this.axes.includes(input.ndim))
      throw new TorchError(
        `${this.constructor.name}: needs an input of ${this.axes.join(" or ")} axes, not [${input.shape.join(", ")}]`,
      );
  }
}

/** Batch normalization (Ioffe and Szegedy 2015): in evaluation with the statistics from training. */
abstract class BatchNorm extends ChannelNorm {
  /** @param input `[N, C, ...]` @returns the same shape */
  forward(input: Tensor): Tensor {
    this.requireAxes(input);
    const share = this.countBatch();
    const { weight, bias, running_mean, running_var, eps } = this;
    const fromBatch = this.training || !running_mean;
    return ops.batch_norm(input, weight, bias, running_mean, running_var, fromBatch, share, eps, true);
  }

  /** Counts a batch. Returns its weight in the running statistics. */
  private countBatch(): number {
    const count = this.num_batches_tracked;
    if (!this.training || !count) return this.momentum ?? 0;
    noGrad(() => count.add_(1));
    return this.momentum ?? 1 / count.item();
  }
}

/** Batch normalization of `[N, C]` or `[N, C, L]`. */
export class BatchNorm1d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [2, 3]);
  }
}

/** Batch normalization of `[N, C, H, W]`. */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [4]);
  }
}

/** Batch normalization of `[N, C, D, H, W]`. */
export class BatchNorm3d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [5]);
  }
}

/** Instance normalization (Ulyanov et al. 2016): each channel of each sample with its own statistics. */
abstract class InstanceNorm extends ChannelNorm {
  constructor(channels: number, options: BatchNormOptions, axes: readonly number[]) {
    super(channels, { affine: false, trackRunningStats: false, ...options }, axes);
  }

  /** @param input `[N, C, ...]` @returns the same shape */
  forward(input: Tensor): Tensor {
    this.requireAxes(input);
    const share = this.momentum ?? 0;
    const { weight, bias, running_mean, running_var, eps } = this;
    const fromInput = this.training || !running_mean;
    return ops.instance_norm(input, weight, bias, running_mean, running_var, fromInput, share, eps, true);
  }
}

/** Instance normalization of `[N, C, L]`. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [3]);
  }
}

/** Instance normalization of `[N, C, H, W]`. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [4]);
  }
}

/** Instance normalization of `[N, C, D, H, W]`. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options, [5]);
  }
}
