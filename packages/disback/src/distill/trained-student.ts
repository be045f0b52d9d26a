import { EMA, extractState, mergeStates, prefixState, type State, type Tensor } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { BatchPart, MicroBatches } from "./micro-batches.js";
import { type Contribution, NetworkTrainer, type NetworkTrainerOptions } from "./network-trainer.js";
import type { StudentGenerator } from "./student-generator.js";

export interface TrainedStudentOptions extends NetworkTrainerOptions {
  /** decay of the averaged weights per step, default 0.99 */
  emaDecay?: number | undefined;
}

/** A student in training: its network, its updates, and the running average of its weights that is judged and kept. */
export class TrainedStudent {
  private readonly trainer: NetworkTrainer;
  private readonly ema: EMA<DenoiserModule>;

  constructor(
    readonly generator: StudentGenerator,
    { emaDecay = 0.99, ...options }: TrainedStudentOptions,
  ) {
    this.trainer = new NetworkTrainer(generator.denoiser.requiresGrad_(true).parameters(), {
      ...options,
      name: "student",
    });
    this.ema = new EMA(generator.denoiser, { decay: emaDecay });
  }

  /** The student with the average of its weights. */
  get average(): StudentGenerator {
    return this.generator.withDenoiser(this.ema.module);
  }

  get learningRate(): number {
    return this.trainer.learningRate;
  }

  /** Multiplies the learning rate. */
  scaleLearningRate(factor: number): void {
    this.trainer.learningRate *= factor;
  }

  /** One update, see `NetworkTrainer.update`. */
  update<Names extends string>(
    batch: MicroBatches,
    contribute: (part: BatchPart) => Contribution<Names>,
  ): Record<Names, Tensor> & { norm: Tensor | number } {
    return this.trainer.update(batch, contribute);
  }

  /** Moves the average towards the weights; once after each update. */
  updateAverage(): void {
    this.ema.update();
  }

  state(): State {
    return mergeStates(
      prefixState("student", { tensors: this.generator.denoiser.stateDict(), values: {} }),
      prefixState("average", this.ema.state()),
      prefixState("studentOptimizer", this.trainer.state()),
    );
  }

  /** @throws CheckpointError if it is of another network */
  loadState(state: State): void {
    this.generator.denoiser.loadStateDict(extractState("student", state).tensors);
    this.ema.loadState(extractState("average", state));
    this.trainer.loadState(extractState("studentOptimizer", state));
  }

  /** Releases everything but the student. */
  dispose(): void {
    this.trainer.dispose();
    this.ema.dispose();
  }
}
