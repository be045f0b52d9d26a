import type { Generator, State, Tensor } from "@disback/torch";
import type { Denoiser, DenoiserModule } from "../models/denoiser.js";
import type { StudentGenerator } from "./student-generator.js";

/** What an objective sees of one step, or of a part of its batch: all it draws and returns is by sample, or a mean. */
export interface ObjectiveInput {
  /** the student's samples `x0 = G(z)`, `[N, ...]` */
  samples: Tensor;
  /** what the student was told, `[N, K]` */
  condition: Tensor | undefined;
  /** the model of the student's own distribution, `D_phi` */
  auxiliary: Denoiser;
  /** source of noise levels and noise, on the samples' device */
  generator: Generator;
}

/** The student's side also sees where it is to go. */
export interface StudentInput extends ObjectiveInput {
  /** the trajectory's current node or the teacher, `D'_i` */
  target: Denoiser;
}

/** How the student is moved: by a gradient, by a loss, or by both. */
export interface StudentSignal {
  /** dL/dx0 `[N, ...]`, injected at the samples */
  gradient?: Tensor;
  /** a loss `[]` with a graph to the student, added to that */
  loss?: Tensor;
  /** mean square of `D_phi - D'_i`, a tensor `[]`: 0 once the student has arrived */
  difference: Tensor;
  /** the target's denoising loss on the student's samples, a tensor `[]` */
  targetError: Tensor;
  /**
   * the auxiliary model's, on the same noised samples. The mismatch degree is the target's loss over this one
   * (METHOD: our definition): 1 where the target fits the samples as well as a model fitted to them.
   */
  auxiliaryError: Tensor;
}

/** The networks of a distillation as they stand before its first step. */
export interface ObjectiveSetting {
  student: StudentGenerator;
  teacher: Denoiser;
  auxiliary: Denoiser;
  /** the distillation's; what is drawn from it has to be the same again when the distillation is resumed */
  seed: number;
}

/** What an auxiliary model of an objective's own kind is made of. */
export interface AuxiliaryStart {
  /** the teacher itself, which may be shared */
  teacher: DenoiserModule;
  /** how the auxiliary model is to start, `D'_N`, in weights of its own: to be trained, or disposed of */
  start: DenoiserModule;
  seed: number;
}

/**
 * A distillation objective. DisBack changes only which model is the target and where the auxiliary model starts,
 * so it wraps any of them.
 */
export interface Objective {
  readonly name: string;
  /** The auxiliary model's loss, a tensor `[]`; samples are constants here. */
  auxiliaryLoss(input: ObjectiveInput): Tensor;
  /** The student's gradient or loss. */
  studentSignal(input: StudentInput): StudentSignal;

  /** Makes the auxiliary model, if it is to be another than `start` with all its weights. Called before `prepare`. */
  auxiliaryModel?(from: AuxiliaryStart): DenoiserModule;
  /** The auxiliary model's learning rate is multiplied by this, default 1. */
  readonly learningRateFactor?: number;
  /** Called once, before the first step: for what is made from the networks. */
  prepare?(setting: ObjectiveSetting): void;
  /** Weights of its own; they learn with the auxiliary model, from `auxiliaryLoss`. Known after `prepare`. */
  parameters?(): Tensor[];
  /** What it needs to go on beside what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if it is of another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}
