import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import type { PerAxis } from "./conv.js";
import { Module } from "./module.js";

export interface PoolOptions {
  /** default: the window's size */
  stride?: PerAxis;
  /** added on each side, default 0 */
  padding?: PerAxis;
  /** round the output's size up instead of down, default false */
  ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  /** default 1 */
  dilation?: PerAxis;
}

export interface AvgPoolOptions extends PoolOptions {
  /** include the padding's zeros in the mean, default true */
  countIncludePad?: boolean;
}

/** The largest value of each window. */
abstract class MaxPool extends Module {
  private readonly stride: PerAxis;
  private readonly padding: PerAxis;
  private readonly dilation: PerAxis;
  private readonly ceilMode: boolean;

  constructor(
    private readonly kernel: PerAxis,
    options: MaxPoolOptions = {},
  ) {
    super();
    this.stride = options.stride ?? kernel;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
  }

  /** @param input `[N, C, ...]` @returns `[N, C, ...]`, smaller */
  forward(input: Tensor): Tensor {
    return this.operator(input, this.kernel, this.stride, this.padding, this.dilation, this.ceilMode);
  }

  protected abstract operator(...values: Parameters<typeof ops.max_pool2d>): Tensor;
}

/** The largest value of each window of `[N, C, L]`. */
export class MaxPool1d extends MaxPool {
  protected operator(...values: Parameters<typeof ops.max_pool1d>): Tensor {
    return ops.max_pool1d(...values);
  }
}

/** The largest value of each window of `[N, C, H, W]`. */
export class MaxPool2d extends MaxPool {
  protected operator(...values: Parameters<typeof ops.max_pool2d>): Tensor {
    return ops.max_pool2d(...values);
  }
}

/** The largest value of each window of `[N, C, D, H, W]`. */
export class MaxPool3d extends MaxPool {
  protected operator(...values: Parameters<typeof ops.max_pool3d>): Tensor {
    return ops.max_pool3d(...values);
  }
}

/** The mean of each window. */
abstract class AvgPool extends Module {
  private readonly stride: PerAxis;
  private readonly padding: PerAxis;
  private readonly ceilMode: boolean;
  private readonly countIncludePad: boolean;

  constructor(
    private readonly kernel: PerAxis,
    options: AvgPoolOptions = {},
  ) {
    super();
    this.stride = options.stride ?? kernel;
    this.padding = options.padding ?? 0;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
  }

  /** @param input `[N, C, ...]` @returns `[N, C, ...]`, smaller */
  forward(input: Tensor): Tensor {
    return this.operator(input, this.kernel, this.stride, this.padding, this.ceilMode, this.countIncludePad);
  }

  protected abstract operator(...values: Parameters<typeof ops.avg_pool1d>): Tensor;
}

/** The mean of each window of `[N, C, L]`. */
export class AvgPool1d extends AvgPool {
  protected operator(...values: Parameters<typeof ops.avg_pool1d>): Tensor {
    return ops.avg_pool1d(...values);
  }
}

/** The mean of each window of `[N, C, H, W]`. */
export class AvgPool2d extends AvgPool {
  protected operator(...values: Parameters<typeof ops.avg_pool1d>): Tensor {
    return ops.avg_pool2d(...values);
  }
}

/** The mean of each window of `[N, C, D, H, W]`. */
export class AvgPool3d extends AvgPool {
  protected operator(...values: Parameters<typeof ops.avg_pool1d>): Tensor {
    return ops.avg_pool3d(...values);
  }
}
