import type { Module, Schedule } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { type GuidanceOptions, guided } from "../models/guided-denoiser.js";
import { type Execution, requireCounts } from "../training/execution.js";
import { learningRateSchedule } from "../training/learning-rate.js";
import type { RateDecay } from "../training/learning-rate-plan.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { optionalPart, type Parts } from "../training/parts.js";
import { Training } from "../training/training.js";
import { defaults, withDefaults } from "./defaults.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import type { DirectObjective } from "./direct-objective.js";
import { deviceOf, type Student } from "./student.js";
import { StudentTrainer } from "./student-trainer.js";

/** Options of training a student by a direct loss. Defaults are those of `defaults.backtracking`, except the betas. */
export interface DirectDistillationOptions<
  M extends Module = DenoiserModule,
  S extends Student = DenoiserStudent,
> {
  /** not changed */
  teacher: M;
  /** trained in place */
  student: S;
  objective: DirectObjective<M, S>;
  /** classifier-free guidance of the teacher; 1, the default, is none */
  guidance?: number;
  /** what guidance leads away from, and how far it gets back the contrast; default no condition, not at all */
  guidanceOptions?: GuidanceOptions;
  /** number of student steps */
  iterations?: number;
  /** samples per step, over all processes */
  batchSize?: number;
  /** Adam's learning rate */
  studentLearningRate?: number;
  /** Adam's learning rate for the objective's own weights, if it has any */
  auxiliaryLearningRate?: number;
  /** steps over which both rates rise from 0 */
  rampUp?: number;
  /** how both rates fall: constant (default) not at all, cosine to 0 at the end, inverse-sqrt with the root of the step */
  decay?: RateDecay;
  /** step at which they begin to fall */
  decayFrom?: number;
  /** Adam's betas, default [0.9, 0.999], because no second network has to follow the student */
  betas?: [number, number];
  /** decay of the student's averaged weights per step, in [0, 1) */
  emaDecay?: number;
  execution?: Execution;
}

/** The figures of one step. */
export interface DirectFigures {
  /** the student's loss before the update */
  loss: number;
  /** norm of its gradient */
  gradientNorm: number;
  /** loss of the objective's own weights before their update, if it has any */
  ownLoss?: number;
  learningRate: number;
}

/** Trains a student by a direct loss, without an auxiliary model or a trajectory. */
export class DirectDistillation<
  M extends Module = DenoiserModule,
  S extends Student = DenoiserStudent,
> extends Training<"loss" | "gradientNorm" | "ownLoss"> {
  readonly iterations: number;
  protected readonly trainers: { studentOptimizer: NetworkTrainer; objectiveOptimizer?: NetworkTrainer };
  protected readonly parts: Parts;
  protected override readonly rateSchedule: Schedule;
  private readonly trained: StudentTrainer<S>;
  private readonly teacher: M;
  private readonly objective: DirectObjective<M, S>;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: DirectDistillationOptions<M, S>) {
    const { student, objective, betas, guidance = 1, guidanceOptions, execution } = options;
    const settings = withDefaults({ ...defaults.backtracking, betas: undefined }, options);
    const { iterations, batchSize, studentLearningRate: learningRate, emaDecay } = settings;
    const { auxiliaryLearningRate } = settings;
    super({ name: "distillation", batchSize, device: deviceOf(student), execution });
    requireCounts("distillation", { iterations });
    this.iterations = iterations;
    this.rateSchedule = learningRateSchedule(settings);
    this.teacher = guided(options.teacher, guidance, guidanceOptions);
    this.objective = objective;
    objective.prepare?.({ student, teacher: this.teacher, seed: execution?.seed ?? 0 });
    const { processes } = this;
    const weights = objective.parameters?.() ?? [];
    const [own, more] = objective.ownLoss ? [weights, []] : [[], weights];
    this.trained = new StudentTrainer(student, {
      ...{ learningRate, emaDecay, processes, more },
      ...(betas ? { betas } : {}),
    });
    const ownOptions = { learningRate: auxiliaryLearningRate, processes, name: objective.name };
    this.trainers = {
      studentOptimizer: this.trained.trainer,
      ...(own.length > 0 ? { objectiveOptimizer: new NetworkTrainer(own, ownOptions) } : {}),
    };
    this.parts = { ...this.trained.parts, objective: optionalPart(objective) };
  }

  get finished(): boolean {
    return this.iteration >= this.iterations;
  }

  /** The student with the average of its weights. This is what is evaluated and kept. */
  get average(): S {
    return this.trained.average;
  }

  get networks(): Record<string, Module> {
    return { student: this.trained.student.module };
  }

  /** One update of the student. */
  step(): DirectFigures {
    const learningRate = this.rateOf(this.trained.trainer);
    const { ownLoss, ...figures } = this.advance();
    return { ...figures, ...(this.trainers.objectiveOptimizer ? { ownLoss } : {}), learningRate };
  }

  protected update() {
    const { teacher, objective, trained } = this;
    const { student } = trained;
    student.module.train();
    const own = this.trainers.objectiveOptimizer?.update(this.batch, ({ count, random }) => {
      const loss = objective.ownLoss!({ student, teacher, count, random });
      return { loss, figures: { loss } };
    });
    const { loss, norm } = trained.update(this.batch, ({ count, random }) => {
      const loss = objective.loss({ student, teacher, count, random });
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm, ownLoss: own?.loss ?? 0 };
  }

  protected override get circumstances(): readonly unknown[] {
    return [this.objective.phase];
  }

  protected override beforeUpdate(): void {
    this.objective.beforeStep?.();
  }

  protected override afterUpdate(): void {
    this.objective.afterStep?.();
    this.trained.updateAverage();
  }

  /** A copy of the averaged student. It outlives this object. */
  result(): S {
    return this.trained.result();
  }

  /** Releases everything but the student. */
  override dispose(): void {
    super.dispose();
    this.objective.dispose?.();
    this.trained.dispose();
  }
}

/** Distills to the end. @returns the student with the average of its weights */
export function distillDirectly<M extends Module = DenoiserModule, S extends Student = DenoiserStudent>(
  options: DirectDistillationOptions<M, S>,
): S {
  const distillation = new DirectDistillation(options);
  while (!distillation.finished) distillation.step();
  const result = distillation.result();
  distillation.dispose();
  return result;
}
