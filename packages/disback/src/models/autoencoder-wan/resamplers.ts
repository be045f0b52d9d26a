import { cat, Module, ops, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { Downsampler } from "../unet-2d/resamplers.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { CausalConvolution } from "./causal-convolution.js";
import { framewise } from "./framewise.js";
import type { Past } from "./past.js";

/** Halves height and width, and where `time` is set the frames after the first: `WanResample` of diffusers. */
export class ClipDownsampler extends Module {
  readonly resample: { 1: Convolution };
  readonly time_conv: CausalConvolution | null;

  constructor(source: WeightSource, channels: number, time: boolean) {
    super();
    this.resample = { 1: new Downsampler(source, channels, 0).conv };
    this.time_conv = time ? new CausalConvolution(source, channels, channels, [3, 1, 1], 2) : null;
  }

  /**
   * @param x the clip's next frames `[N, C, T, H, W]`: its first alone, then an even number
   * @returns `[N, C, T, H/2, W/2]`, or half the frames unless it is the first
   */
  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const small = framewise(x, (frames) => this.resample[1].forward(frames));
      if (!this.time_conv) return small;
      const last = past.of(this);
      const seen = last && cat([last, small], 2);
      past.remember(this, small, 1);
      return seen ? this.time_conv.convolve(seen) : small;
    });
  }
}

/** Doubles height and width, and where `time` is set the frames after the first, with half the channels. */
export class ClipUpsampler extends Module {
  readonly resample: { 1: Convolution };
  readonly time_conv: CausalConvolution | null;

  constructor(source: WeightSource, channels: number, time: boolean) {
    super();
    this.resample = { 1: new Convolution(source, channels, channels / 2, 3, torchStart) };
    this.time_conv = time ? new CausalConvolution(source, channels, 2 * channels, [3, 1, 1]) : null;
  }

  /**
   * @param x the clip's next frames `[N, C, T, H, W]`, its first alone
   * @returns `[N, C/2, T, 2H, 2W]`, or twice the frames unless it is the first
   */
  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const [height, width] = x.shape.slice(3) as [number, number];
      return framewise(this.moreFrames(x, past), (frames) =>
        this.resample[1].forward(ops.upsample_nearest2d(frames, [2 * height, 2 * width])),
      );
    });
  }

  /** The first frame stays one, and the convolution over time begins behind it. */
  private moreFrames(x: Tensor, past: Past): Tensor {
    if (!this.time_conv) return x;
    const isFirst = past.of(this) === undefined;
    if (isFirst) past.remember(this, x, 1);
    if (isFirst) return x;
    const [batch, channels, frames, ...sides] = x.shape as [number, number, number, number, number];
    return this.time_conv
      .forward(x, past)
      .reshape([batch, 2, channels, frames, ...sides])
      .permute([0, 2, 3, 1, 4, 5])
      .reshape([batch, channels, 2 * frames, ...sides]);
  }
}
