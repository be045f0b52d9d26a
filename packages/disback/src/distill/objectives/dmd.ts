import { inferenceMode, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type DenoiserStudent, requireDenoiserStudent } from "../denoiser-student.js";
import { denoisingLoss } from "../denoising-loss.js";
import { KarrasUniform, type NoiseDistribution } from "../noise-distribution.js";
import type {
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "../objective.js";
import type { SamplePool } from "../sample-pool.js";
import { addNoise, agreement, targetError, withoutSpoiltSamples } from "../score-comparison.js";
import { type PairsSource, pairDistance, pairsFrom } from "../teacher-pairs.js";

export interface DmdOptions {
  /** noise levels of the student's step, default the middle 96 % of a schedule of 1000 levels as in the released code */
  noise?: NoiseDistribution;
  /** noise levels of the auxiliary model's step, default the whole schedule */
  auxiliaryNoise?: NoiseDistribution;
  /** weight of the regression on teacher pairs, default 0 (none); 0.25 in the paper */
  regressionWeight?: number;
  /** the pairs, if there is a regression */
  pairs?: PairsSource;
}

/**
 * Distribution matching distillation (Yin et al. 2024, eq. 7 and 8): Diff-Instruct's gradient, on each sample relative
 * to the target's error,
 *
 *     x_t = x0 + sigma n,   dL/dx0 = (D_phi(x_t; sigma) - D'_i(x_t; sigma)) / mean|x0 - D'_i(x_t; sigma)|.
 *
 * The optional regression (eq. 9) pulls the student towards the teacher sampler's output for the same noise,
 *
 *     L_reg = regressionWeight E ||G(z) - y||^2,   y = Heun(80 z),
 *
 * with squares where the paper uses LPIPS. Both are summed over a sample's elements and averaged over the batch. The
 * released code also averages over elements: a constant factor, which does not change Adam's steps.
 */
export class Dmd implements Objective {
  readonly name = "dmd";
  private readonly noise: NoiseDistribution;
  private readonly auxiliaryNoise: NoiseDistribution;
  private readonly regressionWeight: number;
  private readonly source: PairsSource;
  private pairs: SamplePool | undefined;
  private student: DenoiserStudent | undefined;

  constructor(options: DmdOptions = {}) {
    this.noise = options.noise ?? new KarrasUniform({ from: 0.02, to: 0.98, levels: 1000 });
    this.auxiliaryNoise = options.auxiliaryNoise ?? new KarrasUniform({ levels: 1000 });
    this.regressionWeight = options.regressionWeight ?? 0;
    this.source = options.pairs ?? {};
    if (!(this.regressionWeight >= 0))
      throw new DisbackError(`dmd: "regressionWeight" must be at least 0, not ${this.regressionWeight}`);
  }

  prepare({ teacher, student, seed }: ObjectiveSetting): void {
    if (this.regressionWeight === 0) return;
    this.student = requireDenoiserStudent(student, this.name);
    this.pairs = pairsFrom(this.source, { teacher, student: this.student, seed });
  }

  auxiliaryLoss({ samples, condition, auxiliary, random }: ObjectiveInput): Tensor {
    return denoisingLoss(auxiliary, samples, this.auxiliaryNoise, { random, condition });
  }

  studentSignal(input: StudentInput): StudentSignal {
    const signal = this.distributionMatching(input);
    if (!this.pairs) return signal;
    return { ...signal, loss: this.regression(input) };
  }

  dispose(): void {
    this.pairs?.dispose();
    this.pairs = undefined;
  }

  private distributionMatching(input: StudentInput): StudentSignal {
    const { samples, condition, auxiliary, target, random } = input;
    return inferenceMode(() => {
      const clean = samples.detach();
      const { sigma, noised } = addNoise(clean, this.noise, random);
      const fitted = auxiliary.denoise(noised, sigma, condition);
      const wanted = target.denoise(noised, sigma, condition);
      const estimates = { clean, sigma, fitted, wanted };
      const gradient = fitted.sub(wanted).div_(targetError(estimates)).div_(clean.shape[0]!);
      return { ...agreement(estimates, target.facts.sigmaData), gradient: withoutSpoiltSamples(gradient) };
    });
  }

  private regression({ samples, random }: StudentInput): Tensor {
    const batch = { count: samples.shape[0]!, random };
    return pairDistance("squared", this.student!, this.pairs!, batch).mul(this.regressionWeight);
  }
}
