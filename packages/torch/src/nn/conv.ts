import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { kaimingUniform, type LayerOptions, uniform } from "./initialization.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

type Pair = number | [number, number];

export interface ConvOptions extends LayerOptions {
  /** default 1 */
  stride?: Pair;
  /** zeros added on each side, default 0 */
  padding?: Pair;
  /** default 1 */
  dilation?: Pair;
  /** default 1 */
  groups?: number;
  /** default true */
  bias?: boolean;
}

/** Two-dimensional convolution with `weight` [out, in / groups, kh, kw] and `bias` [out]. */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  private readonly stride: [number, number];
  private readonly padding: [number, number];
  private readonly dilation: [number, number];
  private readonly groups: number;

  constructor(inChannels: number, outChannels: number, kernel: Pair, options: ConvOptions = {}) {
    super();
    const [height, width] = pair(kernel);
    this.groups = options.groups ?? 1;
    const channels = inChannels / this.groups;
    const fanIn = channels * height * width;
    this.weight = parameter(kaimingUniform([outChannels, channels, height, width], fanIn, options));
    this.bias =
      options.bias === false ? null : parameter(uniform([outChannels], 1 / Math.sqrt(fanIn), options));
    this.stride = pair(options.stride ?? 1);
    this.padding = pair(options.padding ?? 0);
    this.dilation = pair(options.dilation ?? 1);
  }

  /** @param input `[N, in, H, W]` @returns `[N, out, H', W']` */
  forward(input: Tensor): Tensor {
    return ops.conv2d(input, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
  }
}

function pair(value: Pair): [number, number] {
  return typeof value === "number" ? [value, value] : value;
}
