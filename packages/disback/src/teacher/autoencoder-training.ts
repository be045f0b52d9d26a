import { EMA, Generator, inferenceMode, type Module, randn, scope } from "@disback/torch";
import type { SamplePool } from "../distill/sample-pool.js";
import { type KlConfig, parseAutoencoderConfig } from "../models/autoencoder/autoencoder-config.js";
import { AutoencoderKl } from "../models/autoencoder/autoencoder-kl.js";
import { randomWeights } from "../models/weights.js";
import type { Execution } from "../training/execution.js";
import { requireCounts } from "../training/execution.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";

/** Options of training an autoencoder. */
export interface AutoencoderTrainingOptions {
  /** sizes; its scaling factor is measured in the end */
  config: Omit<KlConfig, "scalingFactor" | "shiftFactor">;
  /** pictures `[C, H, W]` in [-1, 1] */
  images: SamplePool;
  iterations: number;
  /** default 16 */
  batchSize?: number;
  /** Adam's learning rate, default 1e-3 */
  learningRate?: number;
  /** weight of the divergence from a standard normal, per number of a latent; default 1e-6, as in latent diffusion */
  klWeight?: number;
  /** decay of the averaged weights per step, default 0.99 */
  emaDecay?: number;
  execution?: Execution;
}

/** Pictures from which the latents' standard deviation is measured. */
const MEASURED = 256;

/**
 * A variational autoencoder (Kingma and Welling 2014) for latent models, without the perceptual and adversarial terms of
 * Rombach et al. 2022:
 *
 *     minimise E |x - decode(mu + sigma n)|^2 + klWeight E (mu^2 + sigma^2 - 1 - ln sigma^2) / 2
 */
export class AutoencoderTraining extends Training<"loss" | "divergence"> {
  protected readonly trainers: { optimizer: NetworkTrainer };
  protected readonly parts: Parts;
  private readonly autoencoder: AutoencoderKl;
  private readonly average: EMA<AutoencoderKl>;
  private readonly options: AutoencoderTrainingOptions;
  private readonly klWeight: number;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: AutoencoderTrainingOptions) {
    const { iterations, batchSize = 16, learningRate = 1e-3, klWeight = 1e-6, emaDecay = 0.99 } = options;
    super({ name: "autoencoder", batchSize, device: "cpu", execution: options.execution });
    requireCounts("autoencoder", { iterations });
    this.options = options;
    this.klWeight = klWeight;
    const config = parseAutoencoderConfig({ ...options.config, scalingFactor: 1 }) as KlConfig;
    const { seed = 0 } = options.execution ?? {};
    this.autoencoder = new AutoencoderKl(randomWeights(new Generator(seed)), config);
    const { processes } = this;
    this.trainers = {
      optimizer: new NetworkTrainer(this.autoencoder.parameters(), {
        learningRate,
        processes,
        name: "autoencoder",
      }),
    };
    this.average = new EMA(this.autoencoder, { decay: emaDecay });
    this.parts = { autoencoder: weightsPart(this.autoencoder), average: this.average };
  }

  get finished(): boolean {
    return this.iteration >= this.options.iterations;
  }

  get networks(): Record<string, Module> {
    return { autoencoder: this.autoencoder };
  }

  /** One update. @returns mean squared error plus weighted divergence, and the divergence per number of a latent */
  step(): { loss: number; divergence: number } {
    return this.advance();
  }

  protected update() {
    return this.trainers.optimizer.update(this.batch, ({ count, random }) => {
      const { samples: images } = this.options.images.draw(count, random);
      const { mean, logVariance } = this.autoencoder.train().moments(images);
      const noise = randn(mean.shape, { generator: random, device: mean.device });
      const drawn = mean.add(logVariance.div(2).exp().mul(noise));
      const error = this.autoencoder.decoded(drawn).sub(images).square().mean();
      const divergence = mean.square().add(logVariance.exp()).sub(1).sub(logVariance).mean().div(2);
      const loss = error.add(divergence.mul(this.klWeight));
      return { loss, figures: { loss, divergence } };
    });
  }

  protected override afterUpdate(): void {
    this.average.update();
  }

  /** The autoencoder with averaged weights, whose latents have a standard deviation of 1. It outlives this object. */
  result(): AutoencoderKl {
    const { module } = this.average;
    const deviation = inferenceMode(() =>
      scope(() => {
        const { samples } = this.options.images.draw(MEASURED, new Generator(0));
        return module.encode(samples).std().item();
      }),
    );
    const config = parseAutoencoderConfig({ ...module.config, scalingFactor: 1 / deviation }) as KlConfig;
    const made = new AutoencoderKl(randomWeights(new Generator(0)), config);
    made.loadStateDict(module.stateDict());
    return made.eval().requiresGrad_(false);
  }

  override dispose(): void {
    super.dispose();
    this.average.dispose();
  }
}

/** Trains an autoencoder to the end. @see AutoencoderTraining */
export function trainAutoencoder(options: AutoencoderTrainingOptions): AutoencoderKl {
  const training = new AutoencoderTraining(options);
  while (!training.finished) training.step();
  const result = training.result();
  training.dispose();
  return result;
}
