import { gradient, noGrad, ops } from "@disback/torch";
import { Discriminator, type DiscriminatorOptions, requireWeight } from "../discriminator.js";
import type { Objective, StudentInput, StudentSignal } from "../objective.js";
import { withoutSpoiltSamples } from "../score-comparison.js";
import { DiscriminatedDmd } from "./discriminated.js";
import { Dmd, type DmdOptions } from "./dmd.js";

export interface Dmd2Options extends Omit<DmdOptions, "regressionWeight" | "pairs">, DiscriminatorOptions {
  /** weight of the adversarial term in the student's step, default 3e-3 as in the released ImageNet runs */
  generatorWeight?: number;
  /** weight of the discriminator's loss in the auxiliary model's step, default 1e-2 as there */
  discriminatorWeight?: number;
}

/**
 * DMD2 (Yin et al. 2024b, sections 4.2 to 4.3): DMD without regression, and a discriminator on real data. Its logit `d`
 * is a small head on the features that the auxiliary model has of noised samples, trained together with that model:
 *
 *     L_phi += discriminatorWeight E [ softplus(d(x0 + sigma n)) + softplus(-d(y + sigma' n')) ],   y real,
 *     L_G    = numel(x0) (L_DMD + generatorWeight E softplus(-d(x0 + sigma n))).
 *
 * `L_DMD` is averaged over elements as in the paper. The constant factor makes it a sum, as in our other objectives; it
 * does not change Adam's steps. The paper trains the auxiliary model 5 times per student step: see `auxiliarySteps` of
 * the backtracking. R1 is optional, see `Discriminator`.
 */
export class Dmd2 extends DiscriminatedDmd implements Objective {
  readonly name = "dmd2";
  private readonly generatorWeight: number;

  /** @throws DisbackError naming the weight that is negative */
  constructor({ generatorWeight = 3e-3, discriminatorWeight = 1e-2, ...options }: Dmd2Options) {
    const weight = requireWeight("dmd2", "discriminatorWeight", discriminatorWeight);
    super(new Discriminator("dmd2", options), new Dmd(options), weight);
    this.generatorWeight = requireWeight(this.name, "generatorWeight", generatorWeight);
  }

  studentSignal(input: StudentInput): StudentSignal {
    const signal = this.matching.studentSignal(input);
    const clean = input.samples.detach().requiresGrad_();
    const logits = this.discriminator.logits(clean, { ...input, denoiser: input.auxiliary });
    const elements = clean.numel / clean.shape[0]!;
    const adversarial = ops.softplus(logits.neg()).mean();
    const [towardsReal] = gradient([adversarial], [clean]);
    return noGrad(() => ({
      ...signal,
      adversarial: adversarial.detach(),
      gradient: signal.gradient!.add(withoutSpoiltSamples(towardsReal!.mul(this.generatorWeight * elements))),
    }));
  }
}
