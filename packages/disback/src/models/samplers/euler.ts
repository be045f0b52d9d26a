import type { Tensor } from "@disback/torch";
import type { Denoiser } from "../denoiser.js";
import { churned, type HeunOptions } from "./heun.js";
import { sampleSteps } from "./sampling.js";
import { sigmaSchedule } from "./sigma-schedule.js";

/**
 * First-order steps along dx/dsigma = (x - D(x; sigma)) / sigma: Heun's sampler without its correction, with the same
 * options. `steps` evaluations of the denoiser.
 * @param latents standard normal `[N, ...]`
 * @returns samples, shape and dtype of `latents`
 */
export function euler(denoiser: Denoiser, latents: Tensor, options: HeunOptions = {}): Tensor {
  const levels = sigmaSchedule(options, denoiser);
  return sampleSteps(denoiser, latents, levels, options, (state, index, evaluate) => {
    const { x, sigma } = churned(state, levels[index]!, levels.length - 1, denoiser, options);
    const slope = x.sub(evaluate(x, sigma)).div(sigma);
    return x.add(slope.mul(levels[index + 1]! - sigma));
  });
}
