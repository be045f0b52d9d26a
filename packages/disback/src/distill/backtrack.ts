import {
  extractState,
  type Generator,
  generatorState,
  loadGeneratorState,
  mergeStates,
  noGrad,
  prefixState,
  type State,
  scope,
  stateNumber,
  type Tensor,
} from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { seedDropout } from "./dropout.js";
import { type BatchPart, MicroBatches } from "./micro-batches.js";
import { NetworkTrainer } from "./network-trainer.js";
import type { Objective } from "./objective.js";
import { DiffInstruct } from "./objectives/diff-instruct.js";
import { Processes } from "./processes.js";
import type { StudentGenerator } from "./student-generator.js";
import { TargetPath, type TargetPathOptions } from "./target-path.js";
import { StepsPerTarget, type TargetSchedule } from "./target-schedule.js";
import { TrainedStudent } from "./trained-student.js";
import { TrainingStep } from "./training-step.js";
import type { Trajectory } from "./trajectory.js";

export interface BacktrackingOptions extends TargetPathOptions {
  /** the teacher: the last target; not changed */
  teacher: DenoiserModule;
  /** the student, trained in place */
  generator: StudentGenerator;
  /** the way to the teacher; without one this is the objective alone (the baseline) */
  trajectory?: Trajectory | undefined;
  /** default Diff-Instruct */
  objective?: Objective;
  /** student steps altogether, default 300 */
  iterations?: number;
  /** when the next target's turn comes, default 8 steps on each */
  schedule?: TargetSchedule;
  /** samples per step, of all processes together, default 128 */
  batchSize?: number;
  /** samples that go through the networks at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /** Adam's learning rate for the student, default 1e-4 */
  studentLearningRate?: number;
  /** Adam's learning rate for the auxiliary model, default 2e-4 */
  auxiliaryLearningRate?: number;
  /** updates of the auxiliary model for each of the student (DMD2's two time scales: 5), default 1 */
  auxiliarySteps?: number;
  /** Adam's betas for both, default [0, 0.999] */
  betas?: [number, number];
  /** decay of the student's averaged weights per step, default 0.99 */
  emaDecay?: number;
  /**
   * whether steps are recorded and replayed, see `CapturedStep`: on a GPU as graphs; default false. Not for batches in
   * parts, several processes, or networks that compute activations again
   */
  graphs?: boolean | undefined;
  /** decides every random number, default 0 */
  seed?: number;
  /** those that train together, default this one alone */
  processes?: Processes;
}

/** What a step tells. */
export interface BacktrackingFigures {
  /** auxiliary model's denoising loss on the student's samples, per element */
  loss: number;
  /** root mean square of auxiliary minus target */
  gap: number;
  /** mismatch degree towards the current target */
  mismatch: number;
  /** norm of the student's gradient */
  gradientNorm: number;
  /** norm of the auxiliary model's gradient */
  auxiliaryGradientNorm: number;
  /** the target of this step: N - 1 down to 0, the teacher; in between two nodes a fraction */
  target: number;
  /** the student's */
  learningRate: number;
}

/** What a step tells as it is measured: means over this process's batch. */
type Means = Record<
  "loss" | "gradientNorm" | "auxiliaryGradientNorm" | "difference" | "auxiliaryError" | "targetError",
  Tensor | number
>;

/** What a step's samples are made of, in this process. */
interface Drawn {
  latents: Tensor;
  condition: Tensor | undefined;
  /** of the student that are gone */
  steps: number;
  /** The samples, if the whole batch goes through the networks at once: made once for both updates, with their graph. */
  samples?: Tensor | undefined;
}

/**
 * Stage 2 of DisBack, distribution backtracking (algorithm 2): the student is distilled against each point of the
 * trajectory in turn, from the most degraded one to the teacher.
 *
 *     D_phi <- D'_N;  for i = N-1, …, 0:  alternate  (a) fit D_phi to the student's samples (eq. 5)
 *                                                    (b) move the student by the objective with target D'_i (eq. 8)
 *
 * Both steps use the same batch of samples: (a) sees them as constants, (b) differentiates through them. A batch in
 * several parts is generated for each of them: the graph of one part only is there at a time.
 */
export class Backtracking {
  readonly iterations: number;
  private done = 0;
  private readonly student: TrainedStudent;
  private readonly auxiliary: DenoiserModule;
  private readonly targets: TargetPath;
  private readonly schedule: TargetSchedule;
  private readonly objective: Objective;
  private readonly processes: Processes;
  /** samples in this process */
  private readonly batchSize: number;
  private readonly batch: MicroBatches;
  private readonly auxiliarySteps: number;
  private readonly random: Generator;
  private readonly auxiliaryTrainer: NetworkTrainer;
  private readonly training: TrainingStep<keyof Means>;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: BacktrackingOptions) {
    const { teacher, generator, trajectory, iterations = 300, batchSize = 128, seed = 0 } = options;
    const { studentLearningRate = 1e-4, auxiliaryLearningRate = 2e-4, betas = [0, 0.999] } = options;
    const { processes = new Processes() } = options;
    this.iterations = iterations;
    this.processes = processes;
    this.batchSize = processes.share(batchSize, "backtracking.batchSize");
    this.auxiliarySteps = options.auxiliarySteps ?? 1;
    this.objective = options.objective ?? new DiffInstruct();
    this.schedule = options.schedule ?? new StepsPerTarget(8);
    this.targets = new TargetPath(teacher, trajectory, options);
    const start = this.targets.startOfAuxiliary();
    this.auxiliary = this.objective.auxiliaryModel?.({ teacher, start, seed }) ?? start;
    this.objective.prepare?.({ student: generator, teacher, auxiliary: this.auxiliary, seed });
    this.random = processes.random(seed, generator.device);
    this.batch = new MicroBatches({
      batchSize: this.batchSize,
      microBatch: options.microBatch,
      random: this.random,
    });
    processes.requireSameWeights("teacher", teacher.parameters());
    const { emaDecay } = options;
    const shared = { betas, processes };
    this.student = new TrainedStudent(generator, { learningRate: studentLearningRate, emaDecay, ...shared });
    this.auxiliaryTrainer = new NetworkTrainer(
      [...this.auxiliary.parameters(), ...(this.objective.parameters?.() ?? [])],
      {
        ...shared,
        name: "auxiliary model",
        learningRate: auxiliaryLearningRate * (this.objective.learningRateFactor ?? 1),
      },
    );
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

  /** Place of the current target on the trajectory, see {@link BacktrackingFigures}. */
  get target(): number {
    return this.targets.position;
  }

  /** The student with the average of its weights: what is evaluated and kept. */
  get average(): StudentGenerator {
    return this.student.average;
  }

  /** One update of the auxiliary model and one of the student. */
  step(): BacktrackingFigures {
    const target = this.targets.position;
    const figures = scope(() => {
      seedDropout(this.random, this.student.generator.device);
      const rates = [this.student.learningRate, this.auxiliaryTrainer.learningRate];
      const means = this.training.run([this.targets.current, ...rates], () => this.updates());
      this.student.updateAverage();
      const { difference, auxiliaryError, targetError, ...others } = this.processes.average(means);
      return { ...others, gap: Math.sqrt(difference), mismatch: targetError / auxiliaryError };
    });
    this.done++;
    this.targets.advanceIf((steps) => this.schedule.reached({ steps, ...figures }));
    return { ...figures, target, learningRate: this.student.learningRate };
  }

  /** Both updates; nothing here reads a number from a tensor. */
  private updates(): Means {
    this.student.generator.denoiser.train();

    // (a) the auxiliary model follows the student
    for (let extra = 1; extra < this.auxiliarySteps; extra++) scope(() => this.fitAuxiliary(this.draw()));
    const drawn = this.draw();
    const [part, ...others] = this.batch.parts;
    const samples = others.length === 0 ? this.generate(drawn, part!) : undefined;
    const { loss, norm: auxiliaryGradientNorm } = this.fitAuxiliary({ ...drawn, samples });

    // (b) the student follows the target
    const { norm: gradientNorm, ...seen } = this.followTarget({ ...drawn, samples });
    return { loss, gradientNorm, auxiliaryGradientNorm, ...seen };
  }

  /** Draws what a step's samples are made of. */
  private draw(): Drawn {
    const { batchSize, random } = this;
    const { generator } = this.student;
    const condition = generator.conditions(batchSize, random);
    const latents = generator.latents(batchSize, random);
    return { condition, latents, steps: generator.drawSteps(random) };
  }

  /** The student's samples of a part of what was drawn. */
  private generate({ latents, condition, steps }: Drawn, { rows }: BatchPart): Tensor {
    return this.student.generator.generate(rows(latents), rows(condition), steps);
  }

  /** One update of the auxiliary model. @returns its loss before it, and its gradient's norm */
  private fitAuxiliary(drawn: Drawn) {
    const auxiliary = this.auxiliary.train();
    return this.auxiliaryTrainer.update(this.batch, (part) => {
      const samples = drawn.samples?.detach() ?? noGrad(() => this.generate(drawn, part));
      const condition = part.rows(drawn.condition);
      const loss = this.objective.auxiliaryLoss({ samples, condition, auxiliary, generator: part.random });
      return { loss, figures: { loss } };
    });
  }

  /** One update of the student. @returns what its signal tells, and its gradient's norm */
  private followTarget(drawn: Drawn) {
    const auxiliary = this.auxiliary.eval();
    return this.student.update(this.batch, (part) => {
      const samples = drawn.samples ?? this.generate(drawn, part);
      const { gradient, loss, ...figures } = this.objective.studentSignal({
        ...{ samples, condition: part.rows(drawn.condition), generator: part.random },
        ...{ auxiliary, target: this.targets.current },
      });
      return { loss, injected: gradient && [samples, gradient], figures };
    });
  }

  /** The networks of the next step by name, to look at. */
  get networks(): Record<string, DenoiserModule> {
    return {
      student: this.student.generator.denoiser,
      "auxiliary model": this.auxiliary,
      target: this.targets.current,
    };
  }

  /** Multiplies both learning rates. */
  scaleLearningRate(factor: number): void {
    this.student.scaleLearningRate(factor);
    this.auxiliaryTrainer.learningRate *= factor;
  }

  /** All that the next steps depend on, the place on the trajectory included. */
  state(): State {
    return mergeStates(
      this.student.state(),
      prefixState("auxiliary", { tensors: this.auxiliary.stateDict(), values: {} }),
      prefixState("auxiliaryOptimizer", this.auxiliaryTrainer.state()),
      prefixState("objective", this.objective.state?.() ?? { tensors: new Map(), values: {} }),
      prefixState("random", generatorState(this.random)),
      { tensors: new Map(), values: { iteration: this.done, targets: this.targets.state() } },
    );
  }

  /** Goes on from a saved state. @throws CheckpointError if it is of other networks */
  loadState(state: State): void {
    this.student.loadState(state);
    this.auxiliary.loadStateDict(extractState("auxiliary", state).tensors);
    this.auxiliaryTrainer.loadState(extractState("auxiliaryOptimizer", state));
    this.objective.loadState?.(extractState("objective", state));
    loadGeneratorState(this.random, extractState("random", state));
    this.done = stateNumber(state, "iteration");
    this.targets.loadState(state.values.targets);
  }

  /** Releases everything but the student. */
  dispose(): void {
    this.training.dispose();
    this.auxiliaryTrainer.dispose();
    this.auxiliary.dispose();
    this.objective.dispose?.();
    this.student.dispose();
    this.targets.dispose();
  }
}

/** Distills to the end. @returns the student with the average of its weights */
export function backtrack(options: BacktrackingOptions): StudentGenerator {
  const backtracking = new Backtracking(options);
  while (!backtracking.finished) backtracking.step();
  const result = options.generator.withDenoiser(backtracking.average.denoiser.clone().eval());
  backtracking.dispose();
  return result;
}
