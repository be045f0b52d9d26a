import { LatentSource, type OnnxGenerator } from "@disback/generate/core";

/**
 * Latents between those of one seed and the next, along the sphere: a weighted sum of two standard normal vectors is
 * standard normal if the squares of the weights add up to 1.
 * @param position 0 at the seed, 1 at the next seed
 */
export function latentsBetween(
  { latentSize, steps }: OnnxGenerator,
  seed: number,
  position: number,
  count: number,
): Float32Array {
  const from = new LatentSource(seed, latentSize, steps).next(count);
  if (position === 0) return from;
  const to = new LatentSource(seed + 1, latentSize, steps).next(count);
  const angle = (position * Math.PI) / 2;
  return from.map((value, index) => Math.cos(angle) * value + Math.sin(angle) * to[index]!);
}
