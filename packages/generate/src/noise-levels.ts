import type { ModelDescription } from "./description.js";
import { GenerateError } from "./errors.js";

/** Options of a teacher's sampler. */
export interface SamplerOptions {
  /** number of steps (default 18) */
  steps?: number;
  /** last noise level before 0 (default 0.002) */
  sigmaMin?: number;
  /** first noise level (default 80) */
  sigmaMax?: number;
  /** curvature: larger values take more steps at low noise (default 7) */
  rho?: number;
  /**
   * Called and awaited after each evaluation of a teacher's network, with its current estimate of the clean samples
   * `[N, ...sampleShape]`, the number of completed evaluations, and their total.
   */
  onEvaluation?: (estimate: Float32Array, done: number, total: number) => void | Promise<void>;
}

/** The names of these options. */
export const samplerOptions = [
  "steps",
  "sigmaMin",
  "sigmaMax",
  "rho",
] as const satisfies (keyof SamplerOptions)[];

/** Noise levels from high to low, then 0 (Karras et al. 2022, eq. 5), as `disback sample` takes them. */
export function noiseLevels(options: SamplerOptions, model: ModelDescription): number[] {
  const { steps = 18, rho = 7 } = options;
  const lowest = Math.max(options.sigmaMin ?? 0.002, model.sigmaMin ?? 0);
  const highest = Math.min(options.sigmaMax ?? 80, model.sigmaMax ?? Number.POSITIVE_INFINITY);
  if (!Number.isInteger(steps) || steps < 1)
    throw new GenerateError(`steps: ${steps} is not a whole number >= 1`);
  if (!(lowest > 0 && lowest < highest))
    throw new GenerateError(`sigmaMin: ${lowest} is not below ${highest}`);
  const [from, to] = [highest ** (1 / rho), lowest ** (1 / rho)];
  const levels = Array.from({ length: steps }, (_, index) => {
    const level = (from + (index / Math.max(steps - 1, 1)) * (to - from)) ** rho;
    return nearest(level, model.levels);
  });
  return [...levels, 0];
}

function nearest(level: number, known: readonly number[] | undefined): number {
  if (!known) return level;
  return known.reduce((best, one) => (Math.abs(one - level) < Math.abs(best - level) ? one : best));
}
