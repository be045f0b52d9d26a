import { type Generator, gradient, ops, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { Denoiser } from "../../models/denoiser.js";
import { denoisingWeight, perSample } from "../denoising-loss.js";
import { featuresOf, requireWeight } from "../discriminator.js";
import { KarrasUniform, LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import type {
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "../objective.js";
import { requireFitting, type SamplePool } from "../sample-pool.js";
import { addNoise, agreement, targetError, withoutSpoiltSamples } from "../score-comparison.js";
import { type SidOptions, sidLoss } from "./sid.js";

export interface SidaOptions extends SidOptions {
  /** factor of the biased part that is subtracted, default 1 as in the released code */
  alpha?: number;
  /** real samples, with labels if the student is conditional */
  real: SamplePool;
  /** weight of the adversarial term in the student's step, relative to SiD's; default 1e-4 as in the released code */
  generatorWeight?: number;
  /** weight of the discriminator's loss in the auxiliary model's step, default 1e-2 (ours) */
  discriminatorWeight?: number;
}

/**
 * Adversarial score identity distillation (Zhou et al. 2025, SiDA): SiD, and a discriminator without weights of its own.
 * Its logits `d` are the means over channels of the auxiliary model's features at its narrowest place, `[N, h, w]` for
 * images and `[N]` for points. With `y` real and the same noise in `x_t = x0 + sigma n` and `y_t = y + sigma n`:
 *
 *     L_phi = E lambda(sigma) (mean (D_phi(x_t) - x0)^2 + discriminatorWeight / 2 mean (softplus d(x_t) + softplus -d(y_t))),
 *     L_G   = L_SiD + generatorWeight numel(x0) E[1 / mean|x0 - D'_i|] E softplus(-d(x_t)),
 *
 * with logits between -10 and 10 in `L_G`, and all at the same `(x_t; sigma)`.
 */
export class Sida implements Objective {
  readonly name = "sida";
  private readonly options: SidaOptions;
  private readonly noise: NoiseDistribution;
  private readonly auxiliaryNoise;
  private readonly generatorWeight: number;
  private readonly discriminatorWeight: number;

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: SidaOptions) {
    const { generatorWeight = 1e-4, discriminatorWeight = 1e-2, alpha = 1 } = options;
    if (!Number.isFinite(alpha)) throw new DisbackError(`sida: "alpha" must be a number, not ${alpha}`);
    this.options = { ...options, alpha };
    this.noise = options.noise ?? new KarrasUniform({ to: 0.8 });
    this.auxiliaryNoise = options.auxiliaryNoise ?? new LogNormal();
    this.generatorWeight = requireWeight(this.name, "generatorWeight", generatorWeight);
    this.discriminatorWeight = requireWeight(this.name, "discriminatorWeight", discriminatorWeight);
  }

  /** @throws DisbackError if the real samples do not match the student's */
  prepare({ student }: ObjectiveSetting): void {
    requireFitting(this.options.real, student, this.name);
  }

  /** @throws DisbackError if the denoiser has no features */
  auxiliaryLoss({ samples, condition, auxiliary, random }: ObjectiveInput): Tensor {
    const clean = samples.detach();
    const count = clean.shape[0]!;
    const real = this.options.real.draw(count, random);
    const sigma = this.auxiliaryNoise.sample(count, random, clean.device);
    const noise = noiseLike(clean, random).mul(perSample(sigma, clean.ndim));
    const noised = clean.add(noise);
    const error = auxiliary.denoise(noised, sigma, condition).sub(clean).square();
    const generated = logitsOf(auxiliary, noised, sigma, condition);
    const genuine = logitsOf(auxiliary, real.samples.add(noise), sigma, condition && real.condition);
    const told = ops.softplus(generated).add(ops.softplus(genuine.neg()));
    const perRow = (values: Tensor) => values.reshape([count, -1]).mean(1);
    return perRow(error)
      .add(perRow(told).mul(this.discriminatorWeight / 2))
      .mul(denoisingWeight(sigma, auxiliary.facts.sigmaData))
      .mean();
  }

  studentSignal({ samples, condition, auxiliary, target, random }: StudentInput): StudentSignal {
    const clean = samples.detach().requiresGrad_();
    const { sigma, noised } = addNoise(clean, this.noise, random);
    const fitted = auxiliary.denoise(noised, sigma, condition);
    const wanted = target.denoise(noised, sigma, condition);
    const estimates = { clean, sigma, fitted, wanted };
    const logits = logitsOf(auxiliary, noised, sigma, condition).clamp(-10, 10);
    const told = ops.softplus(logits.neg()).mean();
    const weight = targetError(estimates)
      .pow(-1)
      .mean()
      .mul((this.generatorWeight * clean.numel) / clean.shape[0]!);
    const loss = sidLoss(estimates, this.options.alpha!).add(told.mul(weight));
    const figures = { ...agreement(estimates, target.facts.sigmaData), adversarial: told.detach() };
    return { ...figures, gradient: withoutSpoiltSamples(gradient([loss], [clean])[0]!) };
  }
}

/** The discriminator's logits: the features' means over channels, `[N, ...]` without channels. */
function logitsOf(denoiser: Denoiser, x: Tensor, sigma: Tensor, condition: Condition | undefined): Tensor {
  return featuresOf("sida", denoiser, x, sigma, condition).mean([1]);
}

function noiseLike(samples: Tensor, random: Generator): Tensor {
  return randn(samples.shape, { generator: random, device: samples.device });
}
