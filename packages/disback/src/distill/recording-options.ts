import type { Module } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { Execution } from "../training/execution.js";
import type { Fit } from "./fit.js";
import type { NodeSelection } from "./node-selection.js";
import type { NodeStorage } from "./node-storage.js";
import type { Student } from "./student.js";

/** What a trajectory is recorded from and how. Defaults are those of `defaults.recording`. */
export interface RecordingOptions<M extends Module = DenoiserModule> {
  /** the teacher; it is copied, not changed */
  teacher: M;
  /** the untrained student; it is not changed */
  student: Student;
  /** where the trajectory goes */
  folder: string;
  /** steps for which the teacher's copy is fitted to the student, at most */
  steps?: number;
  /**
   * which points of the path become nodes: a rule, or the steps after which nodes are saved, ascending (`evenSteps(200,
   * 50)` is the paper's rule). Default: evenly spaced in distance, ending by itself
   */
  nodes?: NodeSelection | readonly number[];
  /** samples per step, of all processes together */
  batchSize?: number;
  /** only low-rank adapters of this rank are fitted, see `LowRankDenoiser`; all weights when not given */
  rank?: number | undefined;
  /** Adam's learning rate; adapters want about ten times as much */
  learningRate?: number;
  /** Adam's betas */
  betas?: [number, number];
  /** what is minimised and how nodes are compared; default the denoising loss at EDM's noise levels */
  fit?: Fit<M>;
  /** how nodes are stored, default `difference`: half the size, and the outcome is the same (docs/trajectories.md) */
  storage?: NodeStorage;
  /** samples on which distances along the path are measured */
  probes?: number;
  /** what the caller knows of the origin: kept in the manifest */
  provenance?: Record<string, unknown>;
  /** the folder holds the beginning of this very recording, and `loadState` will follow; default false */
  resume?: boolean;
  execution?: Execution;
}

/** What a step of a recording tells. */
export interface RecordingFigures {
  /** the fit's loss before the step, for denoisers per element */
  loss: number;
  /** norm of its gradient */
  gradientNorm: number;
  learningRate: number;
}
