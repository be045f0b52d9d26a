import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type ConvOptions, convolutionWeights, type PerAxis, perAxis, requireGroups } from "./conv.js";
import { Module } from "./module.js";

export interface ConvTransposeOptions extends ConvOptions {
  /** added to one side of the output, default 0 */
  outputPadding?: PerAxis;
}

/** A transposed convolution over several axes with `weight` [in, out / groups, ...kernel] and `bias` [out]. */
abstract class TransposedConvolution extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  protected readonly stride: number[];
  protected readonly padding: number[];
  protected readonly outputPadding: number[];
  protected readonly dilation: number[];
  protected readonly groups: number;

  /** @throws TorchError if the groups do not divide the channels */
  constructor(
    axes: number,
    inChannels: number,
    outChannels: number,
    kernel: PerAxis,
    options: ConvTransposeOptions,
  ) {
    super();
    const groups = options.groups ?? 1;
    requireGroups(this.constructor.name, inChannels, outChannels, groups);
    const shape = [inChannels, outChannels / groups, ...perAxis(kernel, axes)];
    [this.weight, this.bias] = convolutionWeights(shape, outChannels, options);
    this.stride = perAxis(options.stride ?? 1, axes);
    this.padding = perAxis(options.padding ?? 0, axes);
    this.outputPadding = perAxis(options.outputPadding ?? 0, axes);
    this.dilation = perAxis(options.dilation ?? 1, axes);
    this.groups = groups;
  }

  /** @param input `[N, in, ...]` @returns `[N, out, ...]` */
  forward(input: Tensor): Tensor {
    const { weight, bias, stride, padding, outputPadding, groups, dilation } = this;
    return this.operator(input, weight, bias, stride, padding, outputPadding, groups, dilation);
  }

  protected abstract operator(...values: Parameters<typeof ops.conv_transpose1d>): Tensor;
}

/** One-dimensional transposed convolution with `weight` [in, out / groups, k] and `bias` [out]. */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvTransposeOptions = {}) {
    super(1, inChannels, outChannels, kernel, options);
  }

  protected operator(...values: Parameters<typeof ops.conv_transpose1d>): Tensor {
    return ops.conv_transpose1d(...values);
  }
}

/** Two-dimensional transposed convolution with `weight` [in, out / groups, kh, kw] and `bias` [out]. */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvTransposeOptions = {}) {
    super(2, inChannels, outChannels, kernel, options);
  }

  protected operator(...values: Parameters<typeof ops.conv_transpose2d>): Tensor {
    return ops.conv_transpose2d(...values);
  }
}

/** Three-dimensional transposed convolution with `weight` [in, out / groups, kd, kh, kw] and `bias` [out]. */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvTransposeOptions = {}) {
    super(3, inChannels, outChannels, kernel, options);
  }

  protected operator(...values: Parameters<typeof ops.conv_transpose3d>): Tensor {
    return ops.conv_transpose3d(...values);
  }
}
