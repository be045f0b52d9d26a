import type { Tensor } from "@disback/torch";

/** Distances between samples, by name: the square of the Euclidean one, and the pseudo-Huber one. */
export const sampleDistances = ["squared", "pseudo-huber"] as const;

export type SampleDistance = (typeof sampleDistances)[number];

/**
 * The mean over a batch of the distance between two samples, over all their elements:
 *
 *     squared:       |a - b|^2
 *     pseudo-huber:  sqrt(|a - b|^2 + c^2) - c,   c = 0.00054 sqrt(elements)   (Song and Dhariwal 2023, eq. 7)
 *
 * The second grows linearly with the distance, so outliers do not dominate.
 *
 * @param a `[N, ...]` @param b same shape
 * @returns a tensor `[]`
 */
export function meanDistance(kind: SampleDistance, a: Tensor, b: Tensor): Tensor {
  const count = a.shape[0]!;
  const squares = a.sub(b).square().reshape([count, -1]).sum(1);
  if (kind === "squared") return squares.mean();
  const c = 0.00054 * Math.sqrt(a.numel / count);
  return squares
    .add(c ** 2)
    .sqrt()
    .sub(c)
    .mean();
}
