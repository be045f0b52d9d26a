import {
  extractState,
  type Generator,
  generatorState,
  loadGeneratorState,
  mergeStates,
  prefixState,
  type State,
  scope,
  stateNumber,
} from "@disback/torch";
import type { Denoiser, DenoiserModule } from "../models/denoiser.js";
import type { DirectObjective } from "./direct-objective.js";
import { seedDropout } from "./dropout.js";
import { MicroBatches } from "./micro-batches.js";
import { Processes } from "./processes.js";
import type { StudentGenerator } from "./student-generator.js";
import { TrainedStudent } from "./trained-student.js";
import { TrainingStep } from "./training-step.js";

export interface DirectDistillationOptions {
  /** not changed */
  teacher: Denoiser;
  /** the student, trained in place */
  generator: StudentGenerator;
  objective: DirectObjective;
  /** student steps altogether, default 300 */
  iterations?: number;
  /** samples per step, of all processes together, default 128 */
  batchSize?: number;
  /** samples that go through the networks at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /** Adam's learning rate, default 1e-4 */
  studentLearningRate?: number;
  /** Adam's betas, default [0.9, 0.999]: there is no second network to keep up with */
  betas?: [number, number];
  /** decay of the student's averaged weights per step, default 0.99 */
  emaDecay?: number;
  /** whether steps are recorded and replayed, as of `Backtracking`; default false */
  graphs?: boolean | undefined;
  /** decides every random number, default 0 */
  seed?: number;
  /** those that train together, default this one alone */
  processes?: Processes;
}

/** Training of a student by a loss of its own: no auxiliary model, no trajectory. */
export class DirectDistillation {
  readonly iterations: number;
  private done = 0;
  private readonly student: TrainedStudent;
  private readonly random: Generator;
  private readonly processes: Processes;
  private readonly batch: MicroBatches;
  private readonly training: TrainingStep<"loss" | "norm">;

  /** @throws DisbackError naming the option that is wrong */
  constructor(private readonly options: DirectDistillationOptions) {
    const { teacher, generator, objective, iterations = 300, seed = 0 } = options;
    const { studentLearningRate: learningRate = 1e-4, betas, emaDecay } = options;
    const { batchSize = 128, processes = new Processes() } = options;
    this.iterations = iterations;
    this.processes = processes;
    const share = processes.share(batchSize, "backtracking.batchSize");
    objective.prepare?.({ student: generator, teacher, seed });
    this.random = processes.random(seed, generator.device);
    this.batch = new MicroBatches({ batchSize: share, microBatch: options.microBatch, random: this.random });
    const rates = { learningRate, ...(betas ? { betas } : {}), emaDecay };
    this.student = new TrainedStudent(generator, { ...rates, processes });
    this.training = new TrainingStep({
      graphs: options.graphs,
      device: generator.device,
      batch: this.batch,
      processes,
    });
  }

  get iteration(): number {
    return this.done;
  }

  get finished(): boolean {
    return this.done >= this.iterations;
  }

  /** The student with the average of its weights: what is evaluated and kept. */
  get average(): StudentGenerator {
    return this.student.average;
  }

  /** One update of the student. @returns its loss before it, its gradient's norm, and the learning rate */
  step(): { loss: number; gradientNorm: number; learningRate: number } {
    const { teacher, generator, objective } = this.options;
    const figures = scope(() => {
      seedDropout(this.random, generator.device);
      objective.beforeStep?.();
      const { loss, norm } = this.training.run([this.student.learningRate], () => {
        generator.denoiser.train();
        return this.student.update(this.batch, ({ count, random }) => {
          const loss = objective.loss({ student: generator, teacher, count, generator: random });
          return { loss, figures: { loss } };
        });
      });
      this.student.updateAverage();
      return this.processes.average({ loss, gradientNorm: norm });
    });
    this.done++;
    return { ...figures, learningRate: this.student.learningRate };
  }

  /** The network of the next step by name, to look at. */
  get networks(): Record<string, DenoiserModule> {
    return { student: this.options.generator.denoiser };
  }

  /** Multiplies the learning rate. */
  scaleLearningRate(factor: number): void {
    this.student.scaleLearningRate(factor);
  }

  /** All that the next steps depend on. */
  state(): State {
    const { objective } = this.options;
    return mergeStates(
      this.student.state(),
      prefixState("objective", objective.state?.() ?? { tensors: new Map(), values: {} }),
      prefixState("random", generatorState(this.random)),
      { tensors: new Map(), values: { iteration: this.done } },
    );
  }

  /** Goes on from a saved state. @throws CheckpointError if it is of another network */
  loadState(state: State): void {
    this.student.loadState(state);
    this.options.objective.loadState?.(extractState("objective", state));
    loadGeneratorState(this.random, extractState("random", state));
    this.done = stateNumber(state, "iteration");
  }

  /** Releases everything but the student. */
  dispose(): void {
    this.training.dispose();
    this.options.objective.dispose?.();
    this.student.dispose();
  }
}

/** Distills to the end. @returns the student with the average of its weights */
export function distillDirectly(options: DirectDistillationOptions): StudentGenerator {
  const distillation = new DirectDistillation(options);
  while (!distillation.finished) distillation.step();
  const { generator } = options;
  const result = generator.withDenoiser(distillation.average.denoiser.clone().eval());
  distillation.dispose();
  return result;
}
