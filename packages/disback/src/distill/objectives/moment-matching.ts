import { noGrad, randn, type Tensor } from "@disback/torch";
import { denoisingWeight, perSample } from "../denoising-loss.js";
import { requireWeight } from "../discriminator.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";
import { DiffInstruct, type DiffInstructOptions } from "./diff-instruct.js";

export interface MomentMatchingOptions extends Omit<DiffInstructOptions, "oneNoise"> {
  /** weight of the auxiliary model's distance to the target, default 1 as in the paper */
  targetWeight?: number;
}

/**
 * Moment matching (Salimans et al. 2024, algorithm 2, alternating): the student's samples shall have the target's
 * conditional expectations. The auxiliary model is held near the target,
 *
 *     x_t = x0 + sigma n,   L_phi = E lambda(sigma) (|D_phi - x0|^2 + targetWeight |D_phi - D'_i|^2),
 *     dL/dx0 = w(sigma) (D_phi - D'_i),
 *
 * so the student's step is Diff-Instruct's with a smaller, steadier difference. The paper's few-step student starts each
 * step from noised data; ours starts from its own samples (`DenoiserStudent`), so `x_t` is noised sample alone.
 */
export class MomentMatching implements Objective {
  readonly name = "moment-matching";
  private readonly matching: DiffInstruct;
  private readonly noise: NoiseDistribution;
  private readonly targetWeight: number;

  /** @throws DisbackError if the weight is negative */
  constructor({ targetWeight = 1, noise = new LogNormal(), ...options }: MomentMatchingOptions = {}) {
    this.targetWeight = requireWeight(this.name, "targetWeight", targetWeight);
    this.noise = noise;
    this.matching = new DiffInstruct({ ...options, noise, oneNoise: false });
  }

  auxiliaryLoss({ samples, condition, auxiliary, target, random }: ObjectiveInput): Tensor {
    const clean = samples.detach();
    const sigma = this.noise.sample(clean.shape[0]!, random, clean.device);
    const noise = randn(clean.shape, { generator: random, device: clean.device });
    const noised = noise.mul(perSample(sigma, clean.ndim)).add(clean);
    const wanted = noGrad(() => target.denoise(noised, sigma, condition));
    const fitted = auxiliary.denoise(noised, sigma, condition);
    const weight = perSample(denoisingWeight(sigma, target.facts.sigmaData), clean.ndim);
    return fitted
      .sub(clean)
      .square()
      .add(fitted.sub(wanted).square().mul(this.targetWeight))
      .mul(weight)
      .mean();
  }

  studentSignal(input: StudentInput): StudentSignal {
    return this.matching.studentSignal(input);
  }
}
