import { Module, ops, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import type { WeightSource } from "../weights.js";
import { torchStart } from "./start.js";

/** Doubles the resolution by copying pixels, then a convolution: `Upsample2D` of diffusers. */
export class Upsampler extends Module {
  readonly conv: Convolution;

  constructor(source: WeightSource, channels: number) {
    super();
    this.conv = new Convolution(source, channels, channels, 3, torchStart);
  }

  /** @param x `[N, C, H, W]` @returns `[N, C, 2H, 2W]` */
  forward(x: Tensor): Tensor {
    const [height, width] = x.shape.slice(2) as [number, number];
    return scope(() => this.conv.forward(ops.upsample_nearest2d(x, [2 * height, 2 * width])));
  }
}

/** Halves the resolution by a convolution of every other pixel: `Downsample2D` of diffusers. */
export class Downsampler extends Module {
  readonly conv: StridedConvolution;

  /** @param padding 1 on all sides, or 0: then a row and a column of zeros at the end */
  constructor(source: WeightSource, channels: number, padding: 0 | 1) {
    super();
    this.conv = new StridedConvolution(source, channels, padding);
  }

  /** @param x `[N, C, H, W]` @returns `[N, C, H/2, W/2]` */
  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

class StridedConvolution extends Convolution {
  constructor(
    source: WeightSource,
    channels: number,
    private readonly border: 0 | 1,
  ) {
    super(source, channels, channels, 3, torchStart);
  }

  override forward(x: Tensor): Tensor {
    const { border } = this;
    return scope(() => {
      const framed = border === 0 ? ops.constant_pad_nd(x, [0, 1, 0, 1]) : x;
      return this.convolve(framed, border, 2);
    });
  }
}
