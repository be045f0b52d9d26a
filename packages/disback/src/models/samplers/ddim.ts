import type { Tensor } from "@disback/torch";
import type { Denoiser } from "../denoiser.js";
import { type SamplerOptions, sampleSteps } from "./sampling.js";
import { sigmaSchedule } from "./sigma-schedule.js";

/**
 * DDIM, deterministic (Song et al. 2021, eq. 12 with eta = 0), on the same noise levels as the other samplers: the
 * estimate plus the remaining noise at the next level, x' = D + (sigma' / sigma) (x - D). In terms of sigma this is
 * Euler's step without churn; written as DDIM states it. `steps` evaluations of the denoiser.
 * @param latents standard normal `[N, ...]`
 * @returns samples, shape and dtype of `latents`
 */
export function ddim(denoiser: Denoiser, latents: Tensor, options: SamplerOptions = {}): Tensor {
  const levels = sigmaSchedule(options, denoiser);
  return sampleSteps(denoiser, latents, levels, options, (x, index, evaluate) => {
    const estimate = evaluate(x, levels[index]!);
    return x
      .sub(estimate)
      .mul(levels[index + 1]! / levels[index]!)
      .add(estimate);
  });
}
