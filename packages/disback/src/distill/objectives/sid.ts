import { gradient, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { denoisingLoss } from "../denoising-loss.js";
import { KarrasUniform, LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";
import {
  addNoise,
  agreement,
  type Estimates,
  targetError,
  withoutSpoiltSamples,
} from "../score-comparison.js";

export interface SidOptions {
  /** factor of the biased part that is subtracted, default 1.2 as in the released code, which uses 1 for AFHQv2 */
  alpha?: number;
  /** noise levels of the student's step, default uniform on the schedule up to 0.8 (sigma 24.4) as in the released code */
  noise?: NoiseDistribution;
  /** noise levels of the auxiliary model's step, default EDM's `ln sigma ~ N(-1.2, 1.2^2)` */
  auxiliaryNoise?: NoiseDistribution;
}

/**
 * Score identity distillation (Zhou et al. 2024, algorithm 1): an estimate of the Fisher divergence between
 * the student's and the target's diffused distributions,
 *
 *     x_t = x0 + sigma n,   L = E [ (D'_i - D_phi) · ((D'_i - x0) - alpha (D'_i - D_phi)) / sg(mean|x0 - D'_i|) ]
 *
 * with both denoisers at `(x_t; sigma)`. The gradient passes through both of them to `x0`, which costs their backward
 * passes. It is computed here, so that the student's step gets a gradient at its samples, as with the other objectives.
 * The loss is summed over a sample's elements and averaged over the batch. The released code multiplies by 100, which
 * does not change Adam's steps. Samples whose gradient is not finite are left out.
 */
export class Sid implements Objective {
  readonly name = "sid";
  private readonly alpha: number;
  private readonly noise: NoiseDistribution;
  private readonly auxiliaryNoise: NoiseDistribution;

  constructor(options: SidOptions = {}) {
    this.alpha = options.alpha ?? 1.2;
    this.noise = options.noise ?? new KarrasUniform({ to: 0.8 });
    this.auxiliaryNoise = options.auxiliaryNoise ?? new LogNormal();
    if (!Number.isFinite(this.alpha))
      throw new DisbackError(`sid: "alpha" must be a number, not ${this.alpha}`);
  }

  auxiliaryLoss({ samples, condition, auxiliary, random }: ObjectiveInput): Tensor {
    return denoisingLoss(auxiliary, samples, this.auxiliaryNoise, { random, condition });
  }

  studentSignal({ samples, condition, auxiliary, target, random }: StudentInput): StudentSignal {
    const clean = samples.detach().requiresGrad_();
    const { sigma, noised } = addNoise(clean, this.noise, random);
    const fitted = auxiliary.denoise(noised, sigma, condition);
    const wanted = target.denoise(noised, sigma, condition);
    const estimates = { clean, sigma, fitted, wanted };
    const loss = sidLoss(estimates, this.alpha);
    const figures = agreement(estimates, target.facts.sigmaData);
    return { ...figures, gradient: withoutSpoiltSamples(gradient([loss], [clean])[0]!) };
  }
}

/** The loss above for estimates with a graph to `clean`, a tensor `[]`. */
export function sidLoss(estimates: Estimates, alpha: number): Tensor {
  const { clean, fitted, wanted } = estimates;
  const difference = wanted.sub(fitted);
  return wanted
    .sub(clean)
    .sub(difference.mul(alpha))
    .mul(difference)
    .div(targetError(estimates))
    .sum()
    .div(clean.shape[0]!);
}
