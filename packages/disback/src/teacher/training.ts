import {
  type Device,
  EMA,
  extractState,
  type Generator,
  generatorState,
  loadGeneratorState,
  mergeStates,
  prefixState,
  type Schedule,
  type State,
  scope,
  stateNumber,
  type Tensor,
} from "@disback/torch";
import { DataLoader } from "../data/data-loader.js";
import type { Batch, Dataset } from "../data/dataset.js";
import { denoisingLoss } from "../distill/denoising-loss.js";
import { seedDropout } from "../distill/dropout.js";
import { type BatchPart, MicroBatches } from "../distill/micro-batches.js";
import { NetworkTrainer } from "../distill/network-trainer.js";
import { LogNormal } from "../distill/noise-distribution.js";
import { Processes } from "../distill/processes.js";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { dropLabels, flipRandomly } from "./augmentation.js";
import { learningRateSchedule } from "./learning-rate.js";
import {
  resolveTrainingSettings,
  type TeacherTrainingSettings,
  type TeacherTrainingSettingsInput,
} from "./settings.js";

/** What a teacher is trained from. */
export type TeacherTrainingOptions = TeacherTrainingSettingsInput & {
  /** trained in place; move it to its device and memory format before */
  denoiser: DenoiserModule;
  /** samples `[N, ...]`; labels, if it has any, become the condition */
  dataset: Dataset;
  /** decides the order of the data and every random number of the training, default 0 */
  seed?: number;
  /** samples that go through the network at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /** those that train together on batches of `batchSize`, default this one alone; each reads its part of the data */
  processes?: Processes;
};

/**
 * Trains a denoiser on data as EDM does (Karras et al. 2022, algorithm and table 1): Adam on `denoisingLoss` with
 * log-normal noise levels, and a running average of the weights, which is the teacher.
 *
 * Every random number comes from generators whose position is part of `state()`: a training that was saved and
 * restored gives the same weights, bit for bit, as one that was not interrupted.
 */
export class TeacherTraining {
  readonly settings: TeacherTrainingSettings;
  private done = 0;
  private rateScale = 1;
  private readonly denoiser: DenoiserModule;
  private readonly device: Device;
  private readonly loader: DataLoader;
  private readonly generator: Generator;
  private readonly batch: MicroBatches;
  private readonly trainer: NetworkTrainer;
  private readonly ema: EMA<DenoiserModule>;
  private readonly rate: Schedule;
  private readonly noise: LogNormal;
  private readonly processes: Processes;

  /** @throws DisbackError naming the setting that is wrong */
  constructor({ denoiser, dataset, seed = 0, processes, microBatch, ...settings }: TeacherTrainingOptions) {
    this.processes = processes ?? new Processes();
    this.settings = resolveTrainingSettings(settings);
    const { batchSize, flip, averageHalfLife, averageRampUp } = this.settings;
    const { learningRate, gradientClip } = this.settings;
    if (flip && dataset.sampleShape.length !== 3) {
      throw new DisbackError(`teacher training, "flip": ${dataset.name} holds no images`);
    }
    this.denoiser = denoiser.train();
    const parameters = denoiser.parameters();
    this.device = parameters[0]!.device;
    this.generator = this.processes.random(seed, this.device);
    const { share } = this.generator;
    this.batch = new MicroBatches({
      batchSize: this.processes.share(batchSize, "training.batchSize"),
      ...{ microBatch, random: this.generator },
    });
    this.loader = new DataLoader(dataset, { batchSize, seed, shuffle: true, share });
    this.trainer = new NetworkTrainer(parameters, { learningRate, gradientClip, processes: this.processes });
    this.ema = new EMA(denoiser, { halfLife: averageHalfLife, rampUp: averageRampUp });
    this.rate = learningRateSchedule(this.settings);
    this.noise = new LogNormal(this.settings.noiseMean, this.settings.noiseStandardDeviation);
  }

  /** Steps done so far. */
  get iteration(): number {
    return this.done;
  }

  get finished(): boolean {
    return this.done >= this.settings.iterations;
  }

  /** The average of the weights: the teacher so far, in evaluation mode. The same module at every call. */
  get average(): DenoiserModule {
    return this.ema.module;
  }

  /** Learning rate of the next step. */
  get learningRate(): number {
    return this.rateScale * this.settings.learningRate * this.rate(this.done);
  }

  /**
   * One optimizer step. Non-finite gradients become 0, or +-1e5 if infinite, as in EDM, before the norm is limited.
   * @returns the batch's loss per element, the gradient's norm before it is limited, and the learning rate used
   */
  async step(): Promise<{ loss: number; gradientNorm: number; learningRate: number }> {
    const { batchSize } = this.settings;
    const { learningRate } = this;
    this.trainer.learningRate = learningRate;
    const data = await this.loader.next();
    try {
      const figures = scope(() => {
        seedDropout(this.generator, this.device);
        const { loss, norm } = this.trainer.update(this.batch, (part) => {
          const loss = this.loss(data, part);
          return { loss, figures: { loss } };
        });
        return this.processes.average({ loss, gradientNorm: norm });
      });
      this.done++;
      this.ema.update({ batchSize, images: this.done * batchSize });
      return { ...figures, learningRate };
    } finally {
      data.samples.dispose();
      data.labels?.dispose();
    }
  }

  /** The network of the next step by name, to look at. */
  get networks(): Record<string, DenoiserModule> {
    return { network: this.denoiser };
  }

  /** Multiplies the learning rate, that of the whole schedule. */
  scaleLearningRate(factor: number): void {
    this.rateScale *= factor;
  }

  /** All that the next steps depend on. */
  state(): State {
    return mergeStates(
      prefixState("denoiser", { tensors: this.denoiser.stateDict(), values: {} }),
      prefixState("optimizer", this.trainer.state()),
      prefixState("average", this.ema.state()),
      prefixState("generator", generatorState(this.generator)),
      prefixState("data", this.loader.state()),
      { tensors: new Map(), values: { iteration: this.done, rateScale: this.rateScale } },
    );
  }

  /** Goes on from a saved state. @throws CheckpointError if it is of another network */
  loadState(state: State): void {
    this.denoiser.loadStateDict(extractState("denoiser", state).tensors);
    this.trainer.loadState(extractState("optimizer", state));
    this.ema.loadState(extractState("average", state));
    loadGeneratorState(this.generator, extractState("generator", state));
    this.loader.loadState(extractState("data", state));
    this.done = stateNumber(state, "iteration");
    this.rateScale = stateNumber(state, "rateScale");
  }

  private loss(data: Batch, { rows, random }: BatchPart): Tensor {
    const { flip, labelDropout, sigmaData } = this.settings;
    const samples = rows(data.samples).to({ device: this.device });
    const labels = rows(data.labels)?.to({ device: this.device });
    const seen = flip ? flipRandomly(samples, random) : samples;
    const condition = labels && dropLabels(labels, labelDropout, random);
    return denoisingLoss(this.denoiser, seen, this.noise, { generator: random, condition, sigmaData });
  }
}
