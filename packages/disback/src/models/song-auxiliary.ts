import { ops, type Tensor } from "@disback/torch";
import { Convolution } from "./convolution.js";
import { isBox, resample } from "./resampling.js";
import type { WeightSource, WeightStart } from "./weights.js";

/** Adds the downsampled input image to the features of an encoder level (encoder type "skip", Song et al. 2021). */
export class ImageInput extends Convolution {
  constructor(source: WeightSource, inChannels: number, outChannels: number, start: WeightStart) {
    super(source, inChannels, outChannels, 1, start);
  }
}

/**
 * Passes the features of the level above down, parallel to the blocks (encoder type "residual", NCSN++). Here the
 * filter follows the convolution, and the convolution also covers the filter's border of zeros.
 */
export class ResidualInput extends Convolution {
  constructor(
    source: WeightSource,
    inChannels: number,
    outChannels: number,
    start: WeightStart,
    taps: number[],
  ) {
    super(source, inChannels, outChannels, 3, start, { direction: "down", taps });
  }

  override forward(x: Tensor): Tensor {
    const { taps } = this.change!;
    const border = Math.floor((taps.length - 1) / 2);
    const features = this.convolve(x, this.padding + border);
    if (isBox(taps)) return resample(features, this.change!, this.resample_filter!);
    const filter = this.resample_filter!.expand([this.outChannels, 1, taps.length, taps.length]);
    return ops.conv2d(features, filter, null, [2, 2], [0, 0], [1, 1], this.outChannels);
  }
}
