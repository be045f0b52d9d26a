import { cat, type DType, Module, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { type Condition, classesOf } from "../condition.js";
import type { ModelFacts } from "../facts.js";
import { inDtype } from "../network.js";

/**
 * A network that makes samples from a vector in one pass, as the generator of a GAN. It is no denoiser: as a student it
 * is trained by the difference of scores (ScoreGAN, Franceschi et al. 2023).
 */
export abstract class LatentGenerator extends Module {
  readonly latentShape: readonly number[];

  /**
   * @param facts of its samples @param latentSize numbers in a latent
   */
  constructor(
    readonly facts: ModelFacts,
    latentSize: number,
  ) {
    super();
    this.latentShape = [latentSize];
  }

  get dtype(): DType {
    return this.parameters()[0]!.dtype;
  }

  /**
   * @param latents `[N, latentSize]`, standard normal
   * @param condition `class` one-hot `[N, K]`, if its facts have classes; without one, no class
   * @returns samples `[N, ...sampleShape]`
   */
  generate(latents: Tensor, condition?: Condition): Tensor {
    return scope(() => {
      const { dtype } = latents;
      return inDtype(this.forward(inDtype(this.told(latents, condition), this.dtype)), dtype);
    });
  }

  /** @param vector latents beside what is told, `[N, inputSize]` */
  protected abstract forward(vector: Tensor): Tensor;

  /** The latents, beside the classes at the scale of a standard normal number each. */
  private told(latents: Tensor, condition: Condition | undefined): Tensor {
    const classes = classesOf(this.facts);
    if (classes === 0) return latents;
    const labels = condition?.class ?? ops.new_zeros(latents, [latents.shape[0]!, classes]);
    return cat([latents, labels.mul(Math.sqrt(classes))], 1);
  }
}

/** Numbers that enter a generator: latents and classes. */
export function inputSizeOf(facts: ModelFacts, latentSize: number): number {
  return latentSize + classesOf(facts);
}

/**
 * Gives batch normalizations the statistics of a first batch. A fresh network would otherwise make other samples in
 * evaluation than in training. The network's weights stay as they are.
 * @param run makes the batch
 */
export function measureStatistics(module: Module, run: () => void): void {
  const statistics = module.namedBuffers().filter(([key]) => /\.running_(mean|var)$/.test(key));
  if (statistics.length === 0) return;
  const before = noGrad(() => statistics.map(([, buffer]) => buffer.clone()));
  const { training } = module;
  module.train();
  noGrad(() => scope(run));
  module.train(training);
  // running = (1 - MOMENTUM) before + MOMENTUM measured
  noGrad(() =>
    scope(() => {
      for (const [index, [, running]] of statistics.entries())
        running.copy_(running.sub(before[index]!.mul(1 - MOMENTUM)).div(MOMENTUM));
    }),
  );
  for (const tensor of before) tensor.dispose();
}

/** Weight of a new batch in the running statistics: PyTorch's. */
export const MOMENTUM = 0.1;
