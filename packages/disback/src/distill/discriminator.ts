import { Generator, noGrad, ones, ops, randn, type State, scope, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Condition } from "../models/condition.js";
import type { Denoiser, FeatureDenoiser } from "../models/denoiser.js";
import { type DiscriminatorHead, discriminatorHead, LayerHeads } from "./discriminator-head.js";
import { KarrasUniform, type NoiseDistribution } from "./noise-distribution.js";
import { requireFitting, type SamplePool } from "./sample-pool.js";
import { addNoise } from "./score-comparison.js";
import { deviceOf, type Student } from "./student.js";

export interface DiscriminatorOptions {
  /** real samples, with labels if the student is conditional */
  real: SamplePool;
  /** noise levels of its inputs, default the whole schedule of 1000 levels */
  discriminatorNoise?: NoiseDistribution | undefined;
  /** weight of the approximate R1 penalty, default 0 (none) */
  r1Weight?: number | undefined;
  /** standard deviation of the penalty's disturbance, default 0.1 */
  r1Deviation?: number | undefined;
}

/** Samples and what made them: for whom logits are asked. */
export interface Judged {
  /** the denoiser whose features are seen */
  denoiser: Denoiser;
  condition: Condition | undefined;
  /** source of noise levels and noise */
  random: Generator;
  /** the denoiser's weights are constants */
  frozen?: boolean;
}

/** What a discriminator sees of a denoiser: its features at the narrowest place, or at several depths, a head for each. */
export type DiscriminatorView = "narrowest" | "layers";

/**
 * Tells real from generated samples: a small head on a denoiser's features of noised samples (Yin et al. 2024b, section
 * 4.3), or several, over which all means go. Its logit `d` is positive for "real"; it minimises
 *
 *     E [ softplus(d(x_t)) + softplus(-d(y_t)) ] + r1Weight E (d(y_t) - d(y_t + r1Deviation n))^2,   y real.
 *
 * The last term is R1 (Mescheder et al. 2018) by a finite difference (Lin et al. 2025, APT), which needs no gradient of a
 * gradient.
 */
export class Discriminator {
  private readonly real: SamplePool;
  private readonly noise: NoiseDistribution;
  private readonly r1Weight: number;
  private readonly r1Deviation: number;
  private head: DiscriminatorHead | LayerHeads | undefined;

  /**
   * @param name name of the objective, for messages
   * @throws DisbackError naming the option that is out of its range
   */
  constructor(
    private readonly name: string,
    { real, discriminatorNoise, r1Weight = 0, r1Deviation = 0.1 }: DiscriminatorOptions,
    private readonly view: DiscriminatorView = "narrowest",
  ) {
    this.real = real;
    this.noise = discriminatorNoise ?? new KarrasUniform({ levels: 1000 });
    this.r1Weight = requireWeight(name, "r1Weight", r1Weight);
    this.r1Deviation = requireWeight(name, "r1Deviation", r1Deviation);
  }

  /**
   * Makes the heads.
   * @param denoiser whose features it will see
   * @throws DisbackError if the denoiser has no features, or the real samples do not match the student's
   */
  prepare(student: Student, denoiser: Denoiser, seed: number): void {
    requireFitting(this.real, student, this.name);
    const device = deviceOf(student);
    const shapes = scope(() =>
      noGrad(() => {
        const one = zeros([1, ...student.facts.sampleShape], { device });
        const seen = this.see({ denoiser, condition: undefined }, one, ones([1], { device }));
        return seen.map(({ shape }) => shape);
      }),
    );
    const generator = new Generator(seed);
    const heads = shapes.map((shape) => discriminatorHead(shape, generator, this.name));
    const head = this.view === "layers" ? new LayerHeads(heads) : heads[0]!;
    this.head = head.to({ device });
  }

  /** The head's loss, a tensor `[]`. Draws real samples, then noise for both. @param samples generated, `[N, ...]` */
  loss(samples: Tensor, judged: Judged): Tensor {
    const { condition, random } = judged;
    const real = this.real.draw(samples.shape[0]!, random);
    const generated = this.logits(samples.detach(), judged);
    const genuineAs = { ...judged, condition: condition && real.condition };
    const { sigma, noised } = addNoise(real.samples, this.noise, random);
    const genuine = this.logitsAt(noised, sigma, genuineAs);
    const told = ops.softplus(generated).mean().add(ops.softplus(genuine.neg()).mean());
    if (this.r1Weight === 0) return told;
    const { device, shape } = noised;
    const disturbed = noised.add(randn(shape, { generator: random, device }).mul(this.r1Deviation));
    const change = genuine.sub(this.logitsAt(disturbed, sigma, genuineAs));
    return told.add(change.square().mean().mul(this.r1Weight));
  }

  /** Logits of samples, noised here: `[N]`, or `[N, depths]`. */
  logits(samples: Tensor, judged: Judged): Tensor {
    const { sigma, noised } = addNoise(samples, this.noise, judged.random);
    return this.logitsAt(noised, sigma, judged);
  }

  /** Logits of noised samples: `[N]`, or `[N, depths]`. */
  logitsAt(noised: Tensor, sigma: Tensor, judged: Omit<Judged, "random">): Tensor {
    const see = () => this.see(judged, noised, sigma);
    const features = judged.frozen ? noGrad(see) : see();
    return this.head instanceof LayerHeads ? this.head.forward(features) : this.head!.forward(features[0]!);
  }

  private see(
    { denoiser, condition }: Pick<Judged, "denoiser" | "condition">,
    noised: Tensor,
    sigma: Tensor,
  ): Tensor[] {
    const { layerFeatures } = denoiser as Partial<FeatureDenoiser>;
    if (this.view === "layers" && layerFeatures)
      return layerFeatures.call(denoiser, noised, sigma, condition);
    return [featuresOf(this.name, denoiser, noised, sigma, condition)];
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
}

/**
 * A denoiser's features, see `FeatureDenoiser`. @param who name of the objective, for the message
 * @throws DisbackError if it has none
 */
export function featuresOf(
  who: string,
  denoiser: Denoiser,
  x: Tensor,
  sigma: Tensor,
  condition: Condition | undefined,
): Tensor {
  const { features } = denoiser as Partial<FeatureDenoiser>;
  if (!features) throw new DisbackError(`${who}: the teacher's network has no features for a discriminator`);
  return features.call(denoiser, x, sigma, condition);
}

/** @param who name of the objective @throws DisbackError naming the option if the weight is negative or no number */
export function requireWeight(who: string, option: string, value: number): number {
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new DisbackError(`${who}: "${option}" must be at least 0, not ${value}`);
}
