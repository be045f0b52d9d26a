import { inferenceMode, type Tensor } from "@disback/torch";
import { denoisingLoss, perSample } from "../denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";
import { addNoise, agreement } from "../score-comparison.js";
import { type Weighting, weightsOf } from "../weighting.js";

export interface DiffInstructOptions {
  /** noise levels of both steps, default EDM's `ln sigma ~ N(-1.2, 1.2^2)` as in the released code */
  noise?: NoiseDistribution;
  /** weight of each noise level, default "one" as in the released code */
  weighting?: Weighting;
}

/**
 * Diff-Instruct (Luo et al. 2023, eq. 8 and algorithm 1): the gradient of the integral KL divergence between the
 * student's and the target's diffused distributions,
 *
 *     x_t = x0 + sigma n,   dL/dx0 = w(sigma) (D_phi(x_t; sigma) - D'_i(x_t; sigma)),   w = 1 as in the released code,
 *
 * which is sigma^2 times the difference of the scores. No gradient passes through either denoiser.
 */
export class DiffInstruct implements Objective {
  readonly name = "diff-instruct";
  readonly noise: NoiseDistribution;
  private readonly weighting: Weighting;

  constructor({ noise = new LogNormal(), weighting = "one" }: DiffInstructOptions = {}) {
    this.noise = noise;
    this.weighting = weighting;
  }

  auxiliaryLoss({ samples, condition, auxiliary, random }: ObjectiveInput): Tensor {
    return denoisingLoss(auxiliary, samples, this.noise, { random, condition });
  }

  studentSignal({ samples, condition, auxiliary, target, random }: StudentInput): StudentSignal {
    const { sigmaData } = target.facts;
    return inferenceMode(() => {
      const clean = samples.detach();
      const { sigma, noised } = addNoise(clean, this.noise, random);
      const fitted = auxiliary.denoise(noised, sigma, condition);
      const wanted = target.denoise(noised, sigma, condition);
      const figures = agreement({ clean, sigma, fitted, wanted }, sigmaData);
      const difference = fitted.sub(wanted);
      const weights = weightsOf(this.weighting, sigma, sigmaData);
      if (weights) difference.mul_(perSample(weights, clean.ndim));
      return { ...figures, gradient: difference.div_(clean.shape[0]!) };
    });
  }
}
