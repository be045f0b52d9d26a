import type { Generator, State, Tensor } from "@disback/torch";
import type { Denoiser } from "../models/denoiser.js";
import type { StudentGenerator } from "./student-generator.js";

/** What a direct objective sees of one step. */
export interface DirectInput {
  /** in training mode */
  student: StudentGenerator;
  teacher: Denoiser;
  /** samples of this part of the step's batch */
  count: number;
  /** source of everything random, on the student's device */
  generator: Generator;
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
  prepare?(setting: { student: StudentGenerator; teacher: Denoiser; seed: number }): void;
  /** Called before each step, whose batch may come to `loss` in parts. */
  beforeStep?(): void;
  /** What it needs to go on beside what `prepare` makes again. */
  state?(): State;
  /** @throws CheckpointError if it is of another objective */
  loadState?(state: State): void;
  /** Releases what `prepare` made. */
  dispose?(): void;
}
