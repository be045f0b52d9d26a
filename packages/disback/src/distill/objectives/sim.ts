import { gradient, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { denoisingLoss, perSample } from "../denoising-loss.js";
import { KarrasUniform, LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";
import { addNoise, agreement, withoutSpoiltSamples } from "../score-comparison.js";

export interface SimOptions {
  /**
   * the distance's constant c, relative to the square root of a sample's elements; default 0.00054 as for consistency
   * (Song and Dhariwal 2023)
   */
  huber?: number;
  /** noise levels of the student's step, default uniform on the schedule up to 0.8 (sigma 24.4) as SiD's */
  noise?: NoiseDistribution;
  /** noise levels of the auxiliary model's step, default EDM's `ln sigma ~ N(-1.2, 1.2^2)` */
  auxiliaryNoise?: NoiseDistribution;
}

/**
 * Score implicit matching (Luo et al. 2024, theorem 3.1 and eq. 3.11): the divergence `E d(s_phi - s_i)` of the scores with
 * the pseudo-Huber distance `d(y) = sqrt(|y|^2 + c^2) - c`. Its gradient is that of
 *
 *     x_t = x0 + sigma n,   y = D_phi - D'_i,   L = E [ -y / sqrt(|y|^2 + c^2) · (D_phi - x0) ],
 *
 * with both denoisers at `(x_t; sigma)`: scores times sigma^2. The gradient passes through both of them to `x0`; their
 * weights are constants. With `d(y) = |y|^2` it would be SiD with alpha 1. `y` is normalized on each sample, so no noise
 * level dominates, and a sample far off does not either.
 */
export class Sim implements Objective {
  readonly name = "sim";
  private readonly huber: number;
  private readonly noise: NoiseDistribution;
  private readonly auxiliaryNoise: NoiseDistribution;

  /** @throws DisbackError if `huber` is not greater than 0 */
  constructor({ huber = 0.00054, noise, auxiliaryNoise }: SimOptions = {}) {
    if (!(huber > 0 && Number.isFinite(huber)))
      throw new DisbackError(`sim: "huber" must be greater than 0, not ${huber}`);
    this.huber = huber;
    this.noise = noise ?? new KarrasUniform({ to: 0.8 });
    this.auxiliaryNoise = auxiliaryNoise ?? new LogNormal();
  }

  auxiliaryLoss({ samples, condition, auxiliary, random }: ObjectiveInput): Tensor {
    return denoisingLoss(auxiliary, samples, this.auxiliaryNoise, { random, condition });
  }

  studentSignal({ samples, condition, auxiliary, target, random }: StudentInput): StudentSignal {
    const clean = samples.detach().requiresGrad_();
    const count = clean.shape[0]!;
    const { sigma, noised } = addNoise(clean, this.noise, random);
    const fitted = auxiliary.denoise(noised, sigma, condition);
    const wanted = target.denoise(noised, sigma, condition);
    const difference = fitted.sub(wanted);
    const c = this.huber * Math.sqrt(clean.numel / count);
    const length = difference
      .square()
      .reshape([count, -1])
      .sum(1)
      .add(c ** 2)
      .sqrt();
    const loss = difference.div(perSample(length, clean.ndim)).mul(fitted.sub(clean)).sum().div(-count);
    const figures = agreement({ clean, sigma, fitted, wanted }, target.facts.sigmaData);
    return { ...figures, gradient: withoutSpoiltSamples(gradient([loss], [clean])[0]!) };
  }
}
