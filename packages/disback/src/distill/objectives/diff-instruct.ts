import { inferenceMode, randn, type Tensor } from "@disback/torch";
import { denoisingLoss, denoisingWeight, perSample } from "../denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";

export interface DiffInstructOptions {
  /** noise levels of both steps, default EDM's `ln sigma ~ N(-1.2, 1.2^2)` as in the released code */
  noise?: NoiseDistribution;
  /** standard deviation of the data, default 0.5 */
  sigmaData?: number;
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
  private readonly noise: NoiseDistribution;
  private readonly sigmaData: number;

  constructor({ noise = new LogNormal(), sigmaData = 0.5 }: DiffInstructOptions = {}) {
    this.noise = noise;
    this.sigmaData = sigmaData;
  }

  auxiliaryLoss({ samples, condition, auxiliary, generator }: ObjectiveInput): Tensor {
    return denoisingLoss(auxiliary, samples, this.noise, { generator, condition, sigmaData: this.sigmaData });
  }

  studentSignal({ samples, condition, auxiliary, target, generator }: StudentInput): StudentSignal {
    return inferenceMode(() => {
      const clean = samples.detach();
      const sigma = this.noise.sample(clean.shape[0]!, generator, clean.device);
      const noise = randn(clean.shape, { generator, device: clean.device });
      const noised = noise.mul_(perSample(sigma, clean.ndim)).add_(clean);
      const fitted = auxiliary.denoise(noised, sigma, condition);
      const wanted = target.denoise(noised, sigma, condition);
      const weight = perSample(denoisingWeight(sigma, this.sigmaData), clean.ndim);
      const error = (estimate: Tensor) => estimate.sub(clean).square().mul(weight).mean();
      const mismatch = error(wanted).div(error(fitted));
      const difference = fitted.sub(wanted);
      return {
        gap: difference.square().mean().sqrt(),
        mismatch,
        gradient: difference.div_(clean.shape[0]!),
      };
    });
  }
}
