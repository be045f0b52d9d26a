import { cat, noGrad, scope, type Tensor } from "@disback/torch";

/** Pixels worked on at once: full resolution takes hundreds of numbers for each. */
const mostPixels = 2 ** 18;

/**
 * Works on a few samples at a time, without gradients.
 * @param side of the pictures, in pixels
 */
export function inSlices(samples: Tensor, side: number, work: (slice: Tensor) => Tensor): Tensor {
  const size = Math.max(1, Math.floor(mostPixels / side ** 2));
  return noGrad(() => scope(() => cat(samples.split(size).map((slice) => scope(() => work(slice))))));
}
