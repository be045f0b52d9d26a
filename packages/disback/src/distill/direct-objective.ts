import type { Generator, State, Tensor } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { DenoiserStudent } from "./denoiser-student.js";

/** What a direct objective sees of one step. */
export interface DirectInput {
  /** in training mode */
  student: DenoiserStudent;
  /** guided, if guidance is asked for */
  teacher: DenoiserModule;
  /** samples of this part of the step's batch */
  count: number;
  /** source of everything random, on the student's device */
  random: Generator;
}

/**
 * An objective that gives the student a loss without a model of the student's own distribution: the baselines beside
 * distribution matching. The teacher is asked about its own samples or about noised data, where it is at home, and never
 * about the student's: there is no mismatch for a trajectory to bridge, and none is recorded.
 */
export interface DirectObjective {
  readonly name: string;
  /** The student's loss, a tensor `[]` with a graph to its weights. */
  loss(input: DirectInput): Tensor;

  /** Called once, before anything else: for what is made from the networks. */
  prepare?(setting: { student: DenoiserStudent; teacher: DenoiserModule; seed: number }): void;
  /** Called before each step, whose batch may come to `loss` in parts. */
  beforeStep?(): void;
  /** What it needs to go on beside what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if it is of another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}

/** Whether an objective needs no auxiliary model. */
export function isDirect(objective: object | undefined): objective is DirectObjective {
  return objective !== undefined && "loss" in objective;
}
