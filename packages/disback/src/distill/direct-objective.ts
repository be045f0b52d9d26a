import type { Generator, Module, State, Tensor } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import type { Student } from "./student.js";

/** The inputs of a direct objective in one step. */
export interface DirectInput<M extends Module = DenoiserModule, S extends Student = DenoiserStudent> {
  /** in training mode */
  student: S;
  /** guided, if guidance is asked for */
  teacher: M;
  /** samples of this part of the step's batch */
  count: number;
  /** source of all random numbers, on the student's device */
  random: Generator;
}

/**
 * An objective that needs no model of the student's distribution: the baselines besides distribution matching. It
 * evaluates the teacher on the teacher's own samples or on noised data, never on the student's samples. So there is no
 * mismatch for a trajectory to bridge, and none is recorded.
 *
 * @typeParam M the kind of teacher; by default denoisers
 */
export interface DirectObjective<M extends Module = DenoiserModule, S extends Student = DenoiserStudent> {
  readonly name: string;
  /** The student's loss, a tensor `[]` with a graph to its weights. */
  loss(input: DirectInput<M, S>): Tensor;

  /** The loss of the objective's own weights, such as a discriminator's; they are trained before each student step. */
  ownLoss?(input: DirectInput<M, S>): Tensor;
  /** The objective's own weights, available after `prepare`. Without `ownLoss`, `loss` trains them with the student. */
  parameters?(): Tensor[];
  /** Which part of its plan it is in, if its loss is computed differently in each. */
  readonly phase?: unknown;

  /** Called once, before anything else: makes what depends on the networks. */
  prepare?(setting: { student: S; teacher: M; seed: number }): void;
  /** Called before each step. Its batch may reach `loss` in parts. */
  beforeStep?(): void;
  /** Called after each step. */
  afterStep?(): void;
  /** The state needed to resume, except what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if the state belongs to another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}

/** Whether an objective needs no auxiliary model. */
export function isDirect(objective: object | undefined): objective is DirectObjective {
  return objective !== undefined && "loss" in objective;
}
