/** A denoiser at one noise level for a batch, in and out `[N, ...]` as one list of numbers. */
export type Denoise = (x: Float64Array, sigma: number) => Promise<Float32Array>;

/**
 * EDM's sampler (Karras et al. 2022, algorithm 2) without added noise: Heun's steps along dx/dsigma = (x - D(x; sigma))
 * / sigma, in double precision; `2 * steps - 1` evaluations.
 * @param latents standard normal
 * @param levels noise levels from high to low, then 0
 */
export async function heun(
  denoise: Denoise,
  latents: Float32Array,
  levels: readonly number[],
): Promise<Float32Array> {
  let x = Float64Array.from(latents, (value) => value * levels[0]!);
  for (let index = 0; index + 1 < levels.length; index++) {
    const [sigma, next] = [levels[index]!, levels[index + 1]!];
    const slope = slopes(x, await denoise(x, sigma), sigma);
    const predicted = x.map((value, i) => value + slope[i]! * (next - sigma));
    if (next === 0) return Float32Array.from(predicted);
    const slopeThere = slopes(predicted, await denoise(predicted, next), next);
    x = x.map((value, i) => value + ((slope[i]! + slopeThere[i]!) * (next - sigma)) / 2);
  }
  return Float32Array.from(x);
}

function slopes(x: Float64Array, estimate: Float32Array, sigma: number): Float64Array {
  return x.map((value, i) => (value - estimate[i]!) / sigma);
}
