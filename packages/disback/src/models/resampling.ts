import { buffer, fromTypedArray, Module, ops, type Tensor } from "@disback/torch";

/** Whether a block doubles or halves the resolution. */
export type Direction = "up" | "down";

/** Resampling by 2 with a separable filter given by its taps, for example [1, 1] or [1, 3, 3, 1]. */
export interface Resample {
  direction: Direction;
  taps: number[];
}

/** The filter as a depthwise kernel `[1, 1, K, K]` that sums to 1. */
export function resamplingKernel(taps: number[]): Tensor {
  const total = taps.reduce((sum, tap) => sum + tap, 0) ** 2;
  const kernel = Float32Array.from(taps.flatMap((row) => taps.map((column) => (row * column) / total)));
  return fromTypedArray(kernel, [1, 1, taps.length, taps.length]);
}

/** The filter [1, 1]: nearest-neighbour upsampling and averages of 2x2 pixels, by operators much faster than a filter. */
export function isBox(taps: number[]): boolean {
  return taps.length === 2 && taps[0] === taps[1];
}

/**
 * Doubles or halves the resolution.
 * @param x `[N, C, H, W]`
 * @param kernel `[1, 1, K, K]`, from `resamplingKernel`
 * @returns `[N, C, 2H, 2W]` or `[N, C, H/2, W/2]`
 */
export function resample(x: Tensor, { direction, taps }: Resample, kernel: Tensor): Tensor {
  const [, channels, height, width] = x.shape as [number, number, number, number];
  if (isBox(taps)) {
    if (direction === "up") return ops.upsample_nearest2d(x, [2 * height, 2 * width]);
    return ops.avg_pool2d(x, [2, 2]);
  }
  const padding = Math.floor((taps.length - 1) / 2);
  const shape = [channels, 1, taps.length, taps.length];
  if (direction === "down") {
    return ops.conv2d(x, kernel.expand(shape), null, [2, 2], [padding, padding], [1, 1], channels);
  }
  // Every output pixel sees a quarter of the taps.
  const filter = kernel.mul(4).expand(shape);
  return ops.conv_transpose2d(x, filter, null, [2, 2], [padding, padding], [0, 0], channels);
}

/** Resampling without a convolution. Its kernel is part of the state, as in the original. */
export class Resampling extends Module {
  readonly resample_filter: Tensor;

  constructor(private readonly change: Resample) {
    super();
    this.resample_filter = buffer(resamplingKernel(change.taps));
  }

  /** @param x `[N, C, H, W]` @returns `[N, C, 2H, 2W]` or `[N, C, H/2, W/2]` */
  forward(x: Tensor): Tensor {
    return resample(x, this.change, this.resample_filter);
  }
}
