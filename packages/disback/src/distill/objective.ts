import type { Generator, Module, State, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { Student } from "./student.js";

/** What an objective sees of one step, or of a part of its batch: all it draws and returns is by sample, or a mean. */
export interface ObjectiveInput<M extends Module = DenoiserModule> {
  /** the student's samples `x0 = G(z)`, `[N, ...]` */
  samples: Tensor;
  /** what the student was told */
  condition: Condition | undefined;
  /** the model of the student's own distribution, `D_phi` */
  auxiliary: M;
  /** source of noise levels and noise, on the samples' device */
  random: Generator;
}

/** The student's side also sees where it is to go. */
export interface StudentInput<M extends Module = DenoiserModule> extends ObjectiveInput<M> {
  /** the trajectory's current node or the teacher, `D'_i`; guided, if guidance is asked for */
  target: M;
  /** the student itself, in training mode: for objectives that differentiate more than its samples */
  student: Student;
}

/** How the student is moved: by a gradient, by a loss, or by both. */
export interface StudentSignal {
  /** dL/dx0 `[N, ...]`, injected at the samples */
  gradient?: Tensor;
  /** a loss `[]` with a graph to the student, added to that */
  loss?: Tensor;
  /** mean square of `D_phi - D'_i`, a tensor `[]`: 0 once the student has arrived */
  difference: Tensor;
  /** the target's loss on the student's samples, a tensor `[]` */
  targetError: Tensor;
  /**
   * the auxiliary model's (without one, the student's own) on the same samples. The mismatch degree is the target's loss
   * over this one: 1 where the target fits the samples as well as a model fitted to them. Our definition.
   */
  auxiliaryError: Tensor;
}

/** The networks of a distillation as they stand before its first step. */
export interface ObjectiveSetting<M extends Module = DenoiserModule> {
  student: Student;
  /** guided, if guidance is asked for */
  teacher: M;
  /** absent for an objective without an auxiliary model */
  auxiliary?: M | undefined;
  /** the distillation's; what is drawn from it has to be the same again when the distillation is resumed */
  seed: number;
}

/** What an auxiliary model of an objective's own kind is made of. */
export interface AuxiliaryStart<M extends Module = DenoiserModule> {
  /** the teacher itself, which may be shared */
  teacher: M;
  /** how the auxiliary model is to start, `D'_N`, in weights of its own: to be trained, or disposed of */
  start: M;
  seed: number;
}

/**
 * A distillation objective. DisBack changes only which model is the target and where the auxiliary model starts,
 * so it wraps any of them.
 *
 * @typeParam M the kind of teacher; by default denoisers
 */
export interface Objective<M extends Module = DenoiserModule> {
  readonly name: string;
  /** The auxiliary model's loss, a tensor `[]`; samples are constants here. An objective without it has no such model. */
  auxiliaryLoss?(input: ObjectiveInput<M>): Tensor;
  /** The student's gradient or loss. Without an auxiliary model `input.auxiliary` is the target. */
  studentSignal(input: StudentInput<M>): StudentSignal;

  /** Makes the auxiliary model, if it is to be another than `start` with all its weights. Called before `prepare`. */
  auxiliaryModel?(from: AuxiliaryStart<M>): M;
  /** The auxiliary model has low-rank adapters of this rank: a recording for it has such too. */
  readonly rank?: number;
  /** The auxiliary model's learning rate is multiplied by this, default 1. */
  readonly learningRateFactor?: number;
  /** Called once, before the first step: for what is made from the networks. */
  prepare?(setting: ObjectiveSetting<M>): void;
  /** Weights of its own; they learn with the auxiliary model, from `auxiliaryLoss`. Known after `prepare`. */
  parameters?(): Tensor[];
  /** What it needs to go on beside what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if it is of another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}
