import { type Generator, randn, type Tensor } from "@disback/torch";
import type { Denoiser } from "../denoiser.js";
import { type SamplerOptions, sampleSteps } from "./sampling.js";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Stochasticity of EDM's samplers (Karras et al. 2022, algorithm 2); none by default. */
export interface ChurnOptions {
  /** total noise added back over all steps (default 0) */
  S_churn?: number;
  /** lowest noise level at which noise is added (default 0) */
  S_min?: number;
  /** highest noise level at which noise is added (default Infinity) */
  S_max?: number;
  /** standard deviation of the added noise (default 1) */
  S_noise?: number;
  /** draws the added noise (default: the default generator) */
  generator?: Generator;
}

export type HeunOptions = SamplerOptions & ChurnOptions;

/**
 * EDM's sampler (Karras et al. 2022, algorithm 2): Heun's second-order steps along dx/dsigma = (x - D(x; sigma)) / sigma,
 * with noise added back before each step if `S_churn` is given. `2 * steps - 1` evaluations of the denoiser.
 * @param latents standard normal `[N, ...]`
 * @returns samples, shape and dtype of `latents`
 */
export function heun(denoiser: Denoiser, latents: Tensor, options: HeunOptions = {}): Tensor {
  const levels = sigmaSchedule(options, denoiser);
  return sampleSteps(denoiser, latents, levels, options, (state, index, evaluate) => {
    const next = levels[index + 1]!;
    const { x, sigma } = churned(state, levels[index]!, levels.length - 1, denoiser, options);
    const slope = x.sub(evaluate(x, sigma)).div(sigma);
    const predicted = x.add(slope.mul(next - sigma));
    if (next === 0) return predicted;
    const slopeThere = predicted.sub(evaluate(predicted, next)).div(next);
    return x.add(slope.add(slopeThere).mul((next - sigma) / 2));
  });
}

/** Raises the noise level of a state by the factor 1 + gamma (algorithm 2, lines 4 to 6). */
export function churned(
  state: Tensor,
  level: number,
  steps: number,
  denoiser: Denoiser,
  options: ChurnOptions,
): { x: Tensor; sigma: number } {
  const { S_churn = 0, S_min = 0, S_max = Number.POSITIVE_INFINITY, S_noise = 1, generator } = options;
  if (S_churn === 0) return { x: state, sigma: level };
  // Drawn at every step, even if none is added, so that the noise of a step does not depend on the range.
  const noise = randn(state.shape, { dtype: "float64", device: state.device, generator });
  const gamma = level >= S_min && level <= S_max ? Math.min(S_churn / steps, Math.SQRT2 - 1) : 0;
  const raised = level * (1 + gamma);
  const sigma = denoiser.roundSigma?.(raised) ?? raised;
  const added = Math.sqrt(Math.max(sigma ** 2 - level ** 2, 0)) * S_noise;
  return { x: state.add(noise.mul(added)), sigma };
}
