import { DisbackError } from "../../errors.js";
import type { Denoiser } from "../denoiser.js";

/** Options of a sampler's grid of noise levels. */
export interface ScheduleOptions {
  /** number of steps, at least 1 (default 18) */
  steps?: number;
  /** last noise level before 0 (default 0.002) */
  sigmaMin?: number;
  /** first noise level (default 80) */
  sigmaMax?: number;
  /** curvature: larger values take more steps at low noise (default 7) */
  rho?: number;
}

/**
 * Noise levels from high to low, evenly spaced in sigma^(1/rho), then 0 (Karras et al. 2022, eq. 5): `steps + 1` numbers.
 * Limited to the denoiser's range and rounded to levels it knows.
 * @throws DisbackError naming the option that is out of range
 */
export function sigmaSchedule(options: ScheduleOptions = {}, denoiser?: Denoiser): number[] {
  const { steps = 18, rho = 7 } = options;
  const lowest = Math.max(options.sigmaMin ?? 0.002, denoiser?.sigmaMin ?? 0);
  const highest = Math.min(options.sigmaMax ?? 80, denoiser?.sigmaMax ?? Number.POSITIVE_INFINITY);
  if (!Number.isInteger(steps) || steps < 1)
    throw new DisbackError(`steps: expected a whole number >= 1, got ${steps}`);
  if (!(rho > 0)) throw new DisbackError(`rho: expected a number > 0, got ${rho}`);
  if (!(lowest > 0)) throw new DisbackError(`sigmaMin: expected a number > 0, got ${lowest}`);
  if (!(lowest < highest)) throw new DisbackError(`sigmaMin: ${lowest} is not below sigmaMax, ${highest}`);
  const from = highest ** (1 / rho);
  const to = lowest ** (1 / rho);
  const levels = Array.from({ length: steps }, (_, index) => {
    const level = (from + (index / Math.max(steps - 1, 1)) * (to - from)) ** rho;
    return denoiser?.roundSigma?.(level) ?? level;
  });
  return [...levels, 0];
}
