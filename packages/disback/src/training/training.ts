import {
  constant,
  type Device,
  type Generator,
  type Module,
  type Schedule,
  type State,
  scope,
  stateNumber,
  type Tensor,
} from "@disback/torch";
import { StepRunner } from "./capture.js";
import { seedDropout } from "./dropout.js";
import { type Execution, executionOf, requireCounts } from "./execution.js";
import { MicroBatches } from "./micro-batches.js";
import type { NetworkTrainer } from "./network-trainer.js";
import { loadStates, type Parts, randomPart, statesOf } from "./parts.js";
import type { Processes } from "./processes.js";

/** Options of every training. */
export interface TrainingPlan {
  /** name of the training, for messages */
  name: string;
  /** samples per step, over all processes */
  batchSize: number;
  /** device of the networks and all tensors */
  device: Device;
  execution: Execution | undefined;
}

/**
 * What all trainings share: random stream, batch and its parts, processes, capture and replay, step count, and the
 * state to resume from. A training adds its update, and little else.
 *
 * A step draws dropout's seed, makes the update (plainly or by replay), and averages the figures over the processes. A
 * resumed training gives the same weights, bit for bit, as an uninterrupted one.
 *
 * @typeParam Figure names of the figures that the update measures
 */
export abstract class Training<Figure extends string> {
  protected readonly batch: MicroBatches;
  /** all processes draw from it; each keeps its own rows */
  protected readonly random: Generator;
  protected readonly processes: Processes;
  private readonly runner: StepRunner<Figure>;
  protected readonly device: Device;
  private done = 0;
  private rateScale = 1;
  private highestRates: ReadonlyMap<NetworkTrainer, number> | undefined;

  /** @throws DisbackError naming the option that is wrong */
  protected constructor({ name, batchSize, device, execution }: TrainingPlan) {
    requireCounts(name, { batchSize });
    const { seed, processes, microBatch, capture } = executionOf(execution);
    this.device = device;
    this.processes = processes;
    this.random = processes.random(seed, device);
    const share = processes.share(batchSize, `${name}: "batchSize"`);
    this.batch = new MicroBatches({ batchSize: share, microBatch, random: this.random });
    this.runner = new StepRunner({ capture, device, parts: this.batch.parts.length, processes });
  }

  /** Steps done so far. */
  get iteration(): number {
    return this.done;
  }

  /** Whether all steps are done. */
  abstract get finished(): boolean;

  /** The networks that are trained, by the names under which their trainers appear in checkpoints. */
  protected abstract readonly trainers: Readonly<Record<string, NetworkTrainer>>;

  /** What a checkpoint holds besides the trainers' optimizers and the random numbers, by name. */
  protected abstract readonly parts: Parts;

  /** Name of the random stream's position in checkpoints. */
  protected readonly randomName: string = "random";

  /** The networks of the next step by name, for examination. */
  abstract get networks(): Record<string, Module>;

  /**
   * The update of one step. It must not read a tensor's value, so that it can be captured. @returns figures, means over
   * this process's batch
   */
  protected abstract update(): Record<Figure, Tensor | number>;

  /** Factor of all learning rates by iteration. */
  protected readonly rateSchedule: Schedule = constant();

  /** What the update depends on besides the values of tensors. Learning rates are tensors. */
  protected get circumstances(): readonly unknown[] {
    return [];
  }

  /** Called in each step before the update. */
  protected beforeUpdate(): void {}

  /** Called in each step after the update, for example to move averages. */
  protected afterUpdate(): void {}

  /** One step. @returns the update's figures, means over the whole batch */
  protected advance(): Record<Figure, number> {
    for (const trainer of Object.values(this.trainers)) trainer.learningRate = this.rateOf(trainer);
    const figures = scope(() => {
      seedDropout(this.random, this.device);
      this.beforeUpdate();
      const means = this.runner.run(this.circumstances, () => this.update());
      this.afterUpdate();
      return this.processes.average(means);
    });
    this.done++;
    return figures;
  }

  /**
   * Why steps run plainly that could have been captured, such as "read values back (aten::item)"; undefined as long as
   * they are captured, or were not to be.
   */
  get captureObstacle(): string | undefined {
    return this.runner.obstacle;
  }

  /** Multiplies the learning rates of the whole schedule. */
  scaleLearningRate(factor: number): void {
    this.rateScale *= factor;
  }

  /** The learning rate of a trainer's next step. */
  protected rateOf(trainer: NetworkTrainer): number {
    return this.rateScale * this.highest.get(trainer)! * this.rateSchedule(this.done);
  }

  /** The trainers' learning rates as they were made. */
  private get highest(): ReadonlyMap<NetworkTrainer, number> {
    this.highestRates ??= new Map(
      Object.values(this.trainers).map((trainer) => [trainer, trainer.learningRate]),
    );
    return this.highestRates;
  }

  /** Everything that the next steps depend on. */
  state(): State {
    const { done: iteration, rateScale } = this;
    return statesOf(this.allParts(), { iteration, rateScale, ...this.values() });
  }

  /** Resumes from a saved state. @throws CheckpointError if it belongs to other networks */
  loadState(state: State): void {
    const [[first, rate] = []] = this.highest;
    loadStates(this.allParts(), state);
    this.done = stateNumber(state, "iteration");
    // Before there was a schedule, a rollback's factor stood in the optimizers alone.
    const { rateScale = first ? first.learningRate / rate! : 1 } = state.values;
    this.rateScale = Number(rateScale);
    this.loadValues(state);
  }

  /** Plain values of the state. */
  protected values(): State["values"] {
    return {};
  }

  protected loadValues(_state: State): void {}

  /** Releases what the training made, not the trained networks. */
  dispose(): void {
    this.runner.dispose();
    for (const trainer of Object.values(this.trainers)) trainer.dispose();
  }

  private allParts(): Parts {
    return { ...this.parts, ...this.trainers, [this.randomName]: randomPart(this.random) };
  }
}
