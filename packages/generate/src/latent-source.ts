import { NormalStream } from "./random-normal.js";

/**
 * A student's latents, batch by batch, as `disback sample` draws them from the same seed: noise of the steps after the
 * first comes from a second stream, with the next seed.
 */
export class LatentSource {
  private readonly first: NormalStream;
  private readonly later: NormalStream;

  /**
   * @param seed whole number >= 0
   * @param sampleSize numbers in one sample
   * @param steps steps of a student
   */
  constructor(
    seed: number,
    private readonly sampleSize: number,
    private readonly steps = 1,
  ) {
    this.first = new NormalStream(seed);
    this.later = new NormalStream(seed + 1);
  }

  /** @returns `[count, ...sampleShape]`, or `[count, steps, ...sampleShape]` for a student of several steps */
  next(count: number): Float32Array {
    const { sampleSize: size, steps } = this;
    const noise = [this.first.normal(count * size)];
    while (noise.length < steps) noise.push(this.later.normal(count * size));
    if (steps === 1) return noise[0]!;
    const latents = new Float32Array(count * steps * size);
    for (let sample = 0; sample < count; sample++) {
      for (const [step, values] of noise.entries()) {
        latents.set(values.subarray(sample * size, (sample + 1) * size), (sample * steps + step) * size);
      }
    }
    return latents;
  }
}
