import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { adapted } from "./adapters.js";
import { kaimingUniform, type LayerOptions, uniform } from "./initialization.js";
import { layerConvolution } from "./layer-operations.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

/** One number for all axes, or one for each. */
export type PerAxis = number | readonly number[];

export interface ConvOptions extends LayerOptions {
  /** default 1 */
  stride?: PerAxis;
  /** zeros added on each side, default 0 */
  padding?: PerAxis;
  /** default 1 */
  dilation?: PerAxis;
  /** default 1 */
  groups?: number;
  /** default true */
  bias?: boolean;
}

/** A convolution over several axes with `weight` [out, in / groups, ...kernel] and `bias` [out]. */
abstract class Convolution extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  protected readonly stride: number[];
  protected readonly padding: number[];
  protected readonly dilation: number[];
  readonly groups: number;

  /** @throws TorchError if the groups do not divide the channels */
  constructor(axes: number, inChannels: number, outChannels: number, kernel: PerAxis, options: ConvOptions) {
    super();
    const groups = options.groups ?? 1;
    requireGroups(this.constructor.name, inChannels, outChannels, groups);
    const shape = [outChannels, inChannels / groups, ...perAxis(kernel, axes)];
    [this.weight, this.bias] = convolutionWeights(shape, outChannels, options);
    this.stride = perAxis(options.stride ?? 1, axes);
    this.padding = perAxis(options.padding ?? 0, axes);
    this.dilation = perAxis(options.dilation ?? 1, axes);
    this.groups = groups;
  }

  /** The result with an adapter's addition, for convolutions with one group. */
  protected perform(run: (weight: Tensor, bias: Tensor | null) => Tensor): Tensor {
    return adapted(this, run(this.weight, this.bias), (weight) => run(weight, null));
  }
}

/** One-dimensional convolution with `weight` [out, in / groups, k] and `bias` [out]. */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernel, options);
  }

  /** @param input `[N, in, L]` @returns `[N, out, L']` */
  forward(input: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return this.perform((weight, bias) => ops.conv1d(input, weight, bias, stride, padding, dilation, groups));
  }
}

/** Two-dimensional convolution with `weight` [out, in / groups, kh, kw] and `bias` [out]. */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernel, options);
  }

  /** @param input `[N, in, H, W]` @returns `[N, out, H', W']` */
  forward(input: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    const settings = { stride, padding, dilation, groups };
    return this.perform((weight, bias) => layerConvolution(input, weight, bias, settings));
  }
}

/** Three-dimensional convolution with `weight` [out, in / groups, kd, kh, kw] and `bias` [out]. */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: PerAxis, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernel, options);
  }

  /** @param input `[N, in, D, H, W]` @returns `[N, out, D', H', W']` */
  forward(input: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return this.perform((weight, bias) => ops.conv3d(input, weight, bias, stride, padding, dilation, groups));
  }
}

/** One number per axis. @throws TorchError if the count differs */
export function perAxis(value: PerAxis, axes: number): number[] {
  if (typeof value === "number") return Array<number>(axes).fill(value);
  if (value.length !== axes)
    throw new TorchError(`[${value.join(", ")}] has ${value.length} numbers, but there are ${axes} axes`);
  return [...value];
}

/** @internal weight and bias as PyTorch draws them; each output depends on all of the weight's axes but the first */
export function convolutionWeights(
  shape: number[],
  outChannels: number,
  options: ConvOptions,
): [Tensor, Tensor | null] {
  const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
  const weight = parameter(kaimingUniform(shape, fanIn, options));
  if (options.bias === false) return [weight, null];
  return [weight, parameter(uniform([outChannels], 1 / Math.sqrt(fanIn), options))];
}

/** @internal @throws TorchError if the groups do not divide the channels */
export function requireGroups(name: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new TorchError(`${name}: ${groups} groups do not divide ${inChannels} and ${outChannels} channels`);
}
