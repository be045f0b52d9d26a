import type { Generator, Module, State, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { NoisedEstimate } from "./score-comparison.js";
import type { Student } from "./student.js";

/**
 * The inputs of an objective in one step, or in one part of its batch. Everything it draws and returns is per sample,
 * or a mean.
 */
export interface ObjectiveInput<M extends Module = DenoiserModule> {
  /** the student's samples `x0 = G(z)`, `[N, ...]` */
  samples: Tensor;
  /** the student's condition */
  condition: Condition | undefined;
  /** the latents that the samples were made of, `[N, ...]` */
  latents: Tensor;
  /** the model of the student's own distribution, `D_phi` */
  auxiliary: M;
  /** the trajectory's current node or the teacher, `D'_i`; guided, if guidance is asked for */
  target: M;
  /** source of noise levels and noise, on the samples' device */
  random: Generator;
  /** the same object for the auxiliary model's last update and the student's, of one step and one part of the batch */
  carried?: Carried;
}

/** What an objective's `auxiliaryLoss` leaves for its `studentSignal`. The training releases the tensors. */
export interface Carried {
  estimate?: NoisedEstimate;
}

/** The inputs of the student's step: also the student. */
export interface StudentInput<M extends Module = DenoiserModule> extends ObjectiveInput<M> {
  /** the student itself, in training mode, for objectives that differentiate through more than its samples */
  student: Student;
}

/** How the student is updated: by a gradient, by a loss, or by both. */
export interface StudentSignal {
  /** dL/dx0 `[N, ...]`, applied at the samples */
  gradient?: Tensor;
  /** an additional loss `[]` with a graph to the student */
  loss?: Tensor;
  /** mean square of `D_phi - D'_i`, a tensor `[]`: 0 when the student has reached the target */
  difference: Tensor;
  /** the target's loss on the student's samples, a tensor `[]` */
  targetError: Tensor;
  /**
   * the auxiliary model's loss on the same samples; the student's own if there is no auxiliary model. The mismatch
   * degree is `targetLoss` divided by this: 1 if the target fits the samples as well as a model trained on them. Our
   * own definition.
   */
  auxiliaryError: Tensor;
  /** mean softplus(-d) of a discriminator's logits for the student's samples, a tensor `[]`: ln 2 if it cannot tell */
  adversarial?: Tensor;
}

/** The networks of a distillation before its first step. */
export interface ObjectiveSetting<M extends Module = DenoiserModule> {
  student: Student;
  /** guided, if guidance is asked for */
  teacher: M;
  /** absent for an objective without an auxiliary model */
  auxiliary?: M | undefined;
  /** the distillation's generator; a resumed distillation must draw the same from it */
  seed: number;
}

/**
 * A distillation objective. DisBack changes only the target and the auxiliary model's start, so it works with any
 * objective.
 *
 * @typeParam M the kind of teacher; by default denoisers
 */
export interface Objective<M extends Module = DenoiserModule> {
  readonly name: string;
  /** The auxiliary model's loss, a tensor `[]`. Samples are constants here. Absent if there is no auxiliary model. */
  auxiliaryLoss?(input: ObjectiveInput<M>): Tensor;
  /** The student's gradient or loss. Without an auxiliary model `input.auxiliary` is the target. */
  studentSignal(input: StudentInput<M>): StudentSignal;

  /** Rank of the auxiliary model's adapters on the teacher; a recording for it uses the same. Default: no adapters. */
  readonly rank?: number;
  /**
   * False if `auxiliaryLoss` trains the objective's own weights alone, such as a discriminator: then no model is fitted to
   * the student's samples, and `auxiliary` is the target. Default true.
   */
  readonly fitsAuxiliary?: boolean;
  /** The auxiliary model's learning rate is multiplied by this, default 1. */
  readonly learningRateFactor?: number;
  /** Called once, before the first step: makes what depends on the networks. */
  prepare?(setting: ObjectiveSetting<M>): void;
  /** The objective's own weights, trained with the auxiliary model by `auxiliaryLoss`. Available after `prepare`. */
  parameters?(): Tensor[];
  /** The state needed to resume, except what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if the state belongs to another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}
