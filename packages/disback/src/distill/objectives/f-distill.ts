import { gradient, noGrad, ops, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { perSample } from "../denoising-loss.js";
import { Discriminator, type DiscriminatorOptions, requireWeight } from "../discriminator.js";
import { KarrasUniform, type NoiseDistribution } from "../noise-distribution.js";
import type { Objective, StudentInput, StudentSignal } from "../objective.js";
import { addNoise, agreement, targetError, withoutSpoiltSamples } from "../score-comparison.js";
import { DiscriminatedDmd } from "./discriminated.js";
import { type Divergence, divergences } from "./divergences.js";
import { Dmd } from "./dmd.js";

/**
 * `h(r) = f''(r) r^2` (Xu et al. 2025, table 1) of a divergence `E_q f(p/q)` from the data's density `p` to the
 * student's `q`, `r = p / q`. Large where the data are but the student is not: forward KL covers modes; constant: reverse
 * KL, which is DMD.
 * @param ratio `[N]`, above 0
 */
export function divergenceWeights(divergence: Divergence, ratio: Tensor): Tensor {
  switch (divergence) {
    case "forward-kl":
      return ratio;
    case "reverse-kl":
      return ratio.pow(0);
    case "jensen-shannon":
      return ratio.div(ratio.add(1));
    case "squared-hellinger":
      return ratio.sqrt();
    case "softened-reverse-kl":
      return ratio.add(1).pow(-1);
    case "jeffreys":
      return ratio.add(1);
    case "neyman":
      return ratio.pow(-1);
  }
}

export interface FDistillOptions extends DiscriminatorOptions {
  /** default "jensen-shannon" as in the released code, which uses "forward-kl" for CIFAR-10 */
  divergence?: Divergence;
  /** noise levels of the student's step, default those of DMD */
  noise?: NoiseDistribution;
  /** weight of the adversarial term in the student's step, default 1e-3 as in the released CIFAR-10 runs */
  generatorWeight?: number;
  /** weight of the discriminator's loss in the auxiliary model's step, default 1e-2 as DMD2's */
  discriminatorWeight?: number;
  /** bounds of the density ratio, default 0.1 to 20 as in the released code */
  ratioBounds?: readonly [number, number];
}

/**
 * f-distill (Xu et al. 2025, eq. 6 and algorithm 1): DMD's gradient, weighted on each sample so that it is that of any
 * f-divergence. The discriminator's logit `d` on the same noised sample estimates the ratio of densities,
 *
 *     x_t = x0 + sigma n,   r = clip(exp d(x_t)),
 *     dL/dx0 = h(r) / mean(h) · (D_phi - D'_i) / mean|x0 - D'_i| + generatorWeight numel(x0) d/dx0 softplus(-d(x_t)),
 *
 * all at `(x_t; sigma)`, with `mean(h)` over the batch. The discriminator is DMD2's: a head on the auxiliary model's
 * features (the released code: on the teacher's). The released code also divides the ratio by its mean over similar
 * noise levels; that is left out here.
 */
export class FDistill extends DiscriminatedDmd implements Objective {
  readonly name = "f-distill";
  private readonly divergence: Divergence;
  private readonly noise: NoiseDistribution;
  private readonly generatorWeight: number;
  private readonly ratioBounds: readonly [number, number];

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: FDistillOptions) {
    const { divergence = "jensen-shannon", ratioBounds = [0.1, 20] } = options;
    const { generatorWeight = 1e-3, discriminatorWeight = 1e-2 } = options;
    const weight = requireWeight("f-distill", "discriminatorWeight", discriminatorWeight);
    super(new Discriminator("f-distill", options), new Dmd(), weight);
    if (!divergences.includes(divergence))
      throw new DisbackError(`f-distill: "divergence" must be one of ${divergences.join(", ")}`);
    const [low, high] = ratioBounds;
    if (!(low > 0 && high >= low && Number.isFinite(high)))
      throw new DisbackError(
        `f-distill: "ratioBounds" must rise from above 0, not ${ratioBounds.join(", ")}`,
      );
    this.divergence = divergence;
    this.ratioBounds = ratioBounds;
    this.noise = options.noise ?? new KarrasUniform({ from: 0.02, to: 0.98, levels: 1000 });
    this.generatorWeight = requireWeight(this.name, "generatorWeight", generatorWeight);
  }

  studentSignal({ samples, condition, auxiliary, target, random }: StudentInput): StudentSignal {
    const clean = samples.detach().requiresGrad_();
    const { sigma, noised } = addNoise(clean, this.noise, random);
    const logits = this.discriminator.logitsAt(noised, sigma, { denoiser: auxiliary, condition });
    const told = ops.softplus(logits.neg()).mean();
    const [towardsReal] = gradient([told], [clean]);
    return noGrad(() => {
      const fitted = auxiliary.denoise(noised, sigma, condition);
      const wanted = target.denoise(noised, sigma, condition);
      const estimates = { clean, sigma, fitted, wanted };
      const ratio = logits
        .clamp(-10, 10)
        .exp()
        .clamp(...this.ratioBounds);
      const weights = divergenceWeights(this.divergence, ratio);
      const matching = fitted
        .sub(wanted)
        .div(targetError(estimates))
        .mul(perSample(weights.div(weights.mean()), clean.ndim))
        .div(clean.shape[0]!);
      const adversarial = towardsReal!.mul((this.generatorWeight * clean.numel) / clean.shape[0]!);
      return {
        ...agreement(estimates, target.facts.sigmaData),
        adversarial: told.detach(),
        gradient: withoutSpoiltSamples(matching.add(adversarial)),
      };
    });
  }
}
