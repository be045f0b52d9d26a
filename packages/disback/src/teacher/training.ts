import { EMA, type Module, noGrad, type Schedule, type Tensor } from "@disback/torch";
import { DataLoader } from "../data/data-loader.js";
import type { Batch, Dataset } from "../data/dataset.js";
import { DenoisingFit } from "../distill/denoising-fit.js";
import type { Fit, FitBatch } from "../distill/fit.js";
import { LogNormal } from "../distill/noise-distribution.js";
import { DisbackError } from "../errors.js";
import { labelCondition } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { dropLabels } from "../models/network.js";
import { normalizeWeights } from "../models/normalized.js";
import type { Execution } from "../training/execution.js";
import { learningRateSchedule } from "../training/learning-rate.js";
import type { BatchPart } from "../training/micro-batches.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";
import { flipRandomly } from "./augmentation.js";
import {
  resolveTrainingSettings,
  type TeacherTrainingSettings,
  type TeacherTrainingSettingsInput,
} from "./settings.js";

/** The inputs of a teacher's training. */
/** A fit to data, which were not made of latents. */
export interface DataFit<M extends Module> {
  /** See `Fit.loss`. */
  loss(model: M, batch: Omit<FitBatch, "latents">, random: Parameters<Fit["loss"]>[2]): Tensor;
}

/** A model that can be a teacher. */
export type TeacherModule = Module & { readonly facts: ModelFacts };

export type TeacherTrainingOptions<M extends TeacherModule = DenoiserModule> =
  TeacherTrainingSettingsInput & {
    /** trained in place; move it to its device and memory format first */
    denoiser: M;
    /** how it is fitted to data; default the denoising loss at the settings' noise levels */
    fit?: DataFit<M> | undefined;
    /** samples `[N, ...]`; labels, if there are any, become the condition: classes, or tokens of captions */
    dataset: Dataset;
    /** the seed also determines the order of the data; with several processes, each reads its part */
    execution?: Execution;
  };

/** The figures of one step. */
export interface TeacherFigures {
  /** the batch's loss per element, before the update */
  loss: number;
  /** norm of the gradient before it is limited */
  gradientNorm: number;
  learningRate: number;
}

/**
 * Trains a denoiser on data as EDM does (Karras et al. 2022, algorithm and table 1): Adam on `denoisingLoss` with
 * log-normal noise levels, and a running average of the weights, which is the teacher. Other models bring their own fit.
 */
export class TeacherTraining<M extends TeacherModule = DenoiserModule> extends Training<
  "loss" | "gradientNorm"
> {
  readonly settings: TeacherTrainingSettings;
  protected readonly trainers: { optimizer: NetworkTrainer };
  protected readonly parts: Parts;
  protected override readonly randomName = "generator";
  private readonly denoiser: M;
  private readonly loader: DataLoader;
  private readonly ema: EMA<M>;
  protected override readonly rateSchedule: Schedule;
  private readonly fit: DataFit<M>;
  /** of the current step, always in the same memory, where a captured step reads it */
  private data: Batch | undefined;

  /** @throws DisbackError naming the setting that is wrong */
  constructor({ denoiser, fit, dataset, execution, ...input }: TeacherTrainingOptions<M>) {
    const settings = resolveTrainingSettings(input);
    const { batchSize, flip, averageHalfLife, averageRampUp, learningRate, gradientClip } = settings;
    super({ name: "training", batchSize, device: denoiser.parameters()[0]!.device, execution });
    if (flip && dataset.sampleShape.length !== 3) {
      throw new DisbackError(`teacher training, "flip": ${dataset.name} holds no images`);
    }
    this.settings = settings;
    this.denoiser = denoiser.train();
    const { share } = this.random;
    const { processes } = this;
    this.loader = new DataLoader(dataset, { batchSize, seed: execution?.seed ?? 0, shuffle: true, share });
    const afterStep = () => normalizeWeights(denoiser);
    const optimizer = { learningRate, gradientClip, processes, afterStep };
    this.trainers = { optimizer: new NetworkTrainer(denoiser.parameters(), optimizer) };
    this.ema = new EMA(denoiser, { halfLife: averageHalfLife, rampUp: averageRampUp });
    this.rateSchedule = learningRateSchedule(settings);
    const noise = new LogNormal(settings.noiseMean, settings.noiseStandardDeviation);
    this.fit = fit ?? (new DenoisingFit(noise) as unknown as DataFit<M>);
    this.parts = { denoiser: weightsPart(denoiser), average: this.ema, data: this.loader };
  }

  get finished(): boolean {
    return this.iteration >= this.settings.iterations;
  }

  /**
   * The average of the weights, which is the teacher so far, in evaluation mode. Every call returns the same module.
   */
  get average(): M {
    return this.ema.module;
  }

  /** Learning rate of the next step. */
  get learningRate(): number {
    return this.rateOf(this.trainers.optimizer);
  }

  get networks(): Record<string, Module> {
    return { network: this.denoiser };
  }

  /** One optimizer step. Non-finite gradients become 0, or +-1e5 if infinite, as in EDM, before the norm is limited. */
  async step(): Promise<TeacherFigures> {
    const { learningRate } = this;
    this.receive(await this.loader.next());
    return { ...this.advance(), learningRate };
  }

  private receive(batch: Batch): void {
    if (!this.data) {
      this.data = batch;
      return;
    }
    noGrad(() => {
      this.data!.samples.copy_(batch.samples);
      if (batch.labels) this.data!.labels!.copy_(batch.labels);
    });
    batch.samples.dispose();
    batch.labels?.dispose();
  }

  /** Releases what the training made, not the network. */
  override dispose(): void {
    super.dispose();
    this.data?.samples.dispose();
    this.data?.labels?.dispose();
    this.data = undefined;
  }

  protected update() {
    const { loss, norm } = this.trainers.optimizer.update(this.batch, (part) => {
      const loss = this.loss(this.data!, part);
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm };
  }

  protected override afterUpdate(): void {
    const { batchSize } = this.settings;
    this.ema.update({ batchSize, images: (this.iteration + 1) * batchSize });
  }

  private loss(data: Batch, { count, rows, random }: BatchPart): Tensor {
    const { flip, labelDropout } = this.settings;
    const { device } = random;
    const samples = rows(data.samples).to({ device });
    const labels = rows(data.labels)?.to({ device });
    const seen = flip ? flipRandomly(samples, random) : samples;
    const shown = labels && dropLabels(labels, labelDropout, count, random);
    const condition = labelCondition(this.denoiser.facts, shown);
    return this.fit.loss(this.denoiser, { samples: seen, condition }, random);
  }
}
