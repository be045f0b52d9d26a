import {
  Generator,
  gradient,
  noGrad,
  ones,
  ops,
  type State,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { Denoiser, FeatureDenoiser } from "../../models/denoiser.js";
import { type DiscriminatorHead, discriminatorHead } from "../discriminator-head.js";
import { KarrasUniform, type NoiseDistribution } from "../noise-distribution.js";
import type {
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "../objective.js";
import { requireFitting, type SamplePool } from "../sample-pool.js";
import { addNoise, withoutSpoiltSamples } from "../score-comparison.js";
import { deviceOf } from "../student.js";
import { Dmd, type DmdOptions } from "./dmd.js";

export interface Dmd2Options extends Omit<DmdOptions, "regressionWeight" | "pairs"> {
  /** real samples, with labels if the student is conditional */
  real: SamplePool;
  /** weight of the adversarial term in the student's step, default 3e-3 as in the released ImageNet runs */
  generatorWeight?: number;
  /** weight of the discriminator's loss in the auxiliary model's step, default 1e-2 as there */
  discriminatorWeight?: number;
  /** noise levels of the discriminator's inputs, default the whole schedule of 1000 levels */
  discriminatorNoise?: NoiseDistribution;
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
 * the backtracking.
 */
export class Dmd2 implements Objective {
  readonly name = "dmd2";
  private readonly matching: Dmd;
  private readonly real: SamplePool;
  private readonly generatorWeight: number;
  private readonly discriminatorWeight: number;
  private readonly noise: NoiseDistribution;
  private head: DiscriminatorHead | undefined;

  /** @throws DisbackError naming the weight that is negative */
  constructor({ real, generatorWeight = 3e-3, discriminatorWeight = 1e-2, ...options }: Dmd2Options) {
    for (const [name, value] of Object.entries({ generatorWeight, discriminatorWeight })) {
      if (!(value >= 0)) throw new DisbackError(`dmd2: "${name}" must be at least 0, not ${value}`);
    }
    this.matching = new Dmd(options);
    this.real = real;
    this.generatorWeight = generatorWeight;
    this.discriminatorWeight = discriminatorWeight;
    this.noise = options.discriminatorNoise ?? new KarrasUniform({ levels: 1000 });
  }

  /**
   * Makes the head.
   * @throws DisbackError if the denoisers have no features, or the real samples do not match the student's
   */
  prepare({ student, auxiliary, seed }: ObjectiveSetting): void {
    const device = deviceOf(student);
    const { sampleShape } = student.facts;
    requireFitting(this.real, student, this.name);
    const shape = scope(() =>
      noGrad(() => {
        const one = zeros([1, ...sampleShape], { device });
        return featuresOf(auxiliary!, one, ones([1], { device }), undefined).shape;
      }),
    );
    this.head = discriminatorHead(shape, new Generator(seed)).to({ device });
  }

  auxiliaryLoss(input: ObjectiveInput): Tensor {
    const { samples, condition, random } = input;
    const loss = this.matching.auxiliaryLoss(input);
    const real = this.real.draw(samples.shape[0]!, random);
    const generated = this.logits(input, samples.detach(), condition);
    const genuine = this.logits(input, real.samples, condition && real.condition);
    const told = ops.softplus(generated).mean().add(ops.softplus(genuine.neg()).mean());
    return loss.add(told.mul(this.discriminatorWeight));
  }

  studentSignal(input: StudentInput): StudentSignal {
    const signal = this.matching.studentSignal(input);
    const clean = input.samples.detach().requiresGrad_();
    const loss = ops.softplus(this.logits(input, clean, input.condition).neg()).mean();
    const elements = clean.numel / clean.shape[0]!;
    const adversarial = gradient([loss], [clean])[0]!.mul(this.generatorWeight * elements);
    return noGrad(() => ({
      ...signal,
      gradient: signal.gradient!.add(withoutSpoiltSamples(adversarial)),
    }));
  }

  parameters(): Tensor[] {
    return this.head!.parameters();
  }

  state(): State {
    return { tensors: this.head!.stateDict(), values: {} };
  }

  loadState(state: State): void {
    this.head!.loadStateDict(state.tensors);
  }

  dispose(): void {
    this.head?.dispose();
  }

  /** @returns `[N]` */
  private logits({ auxiliary, random }: ObjectiveInput, x: Tensor, condition: Condition | undefined): Tensor {
    const { sigma, noised } = addNoise(x, this.noise, random);
    return this.head!.forward(featuresOf(auxiliary, noised, sigma, condition));
  }
}

function featuresOf(denoiser: Denoiser, x: Tensor, sigma: Tensor, condition: Condition | undefined): Tensor {
  const { features } = denoiser as Partial<FeatureDenoiser>;
  if (!features) throw new DisbackError("dmd2: the teacher's network has no features for a discriminator");
  return features.call(denoiser, x, sigma, condition);
}
