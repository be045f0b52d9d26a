import type { Module } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { Execution } from "../training/execution.js";
import type { Fit } from "./fit.js";
import type { NodeSelection } from "./node-selection.js";
import type { NodeStorage } from "./node-storage.js";
import type { SamplePool } from "./sample-pool.js";
import type { Student } from "./student.js";

/** The inputs and options of a recording. Defaults are those of `defaults.recording`. */
export interface RecordingOptions<M extends Module = DenoiserModule> {
  /** the teacher; it is copied, not changed */
  teacher: M;
  /** the untrained student; it is not changed */
  student: Student;
  /** folder for the trajectory */
  folder: string;
  /** largest number of steps */
  steps?: number;
  /**
   * which points of the path become nodes: a rule, or the steps after which nodes are saved, ascending (`evenSteps(200,
   * 50)` is the paper's rule). Default: `EvenDistance`, with an automatic end; `TrustRegion` for a number of nodes
   */
  nodes?: NodeSelection | readonly number[];
  /**
   * samples of the teacher, see `teacherSamples`: the copy is then fitted to samples on the straight way from these to the
   * student's, a little farther at each step, so that each node fits what lies between. Default: to the student's samples from
   * the first step on, as in the paper. Not with a `TrustRegion`
   */
  teacherSamples?: SamplePool | undefined;
  /** samples per step, over all processes */
  batchSize?: number;
  /**
   * rank of adapters on the teacher, if only these are fitted, see `LowRankDenoiser`. Default: the student's rank if the
   * student is adapters on the teacher, else all weights of a copy are fitted
   */
  rank?: number | undefined;
  /** Adam's learning rate; adapters need about ten times as much */
  learningRate?: number;
  /** Adam's betas */
  betas?: [number, number];
  /** the loss, and how nodes are compared; default the denoising loss at EDM's noise levels */
  fit?: Fit<M>;
  /**
   * how nodes are stored, default `difference`: half the size with the same results (docs/trajectories.md). With a rank,
   * nodes are stored as adapters
   */
  storage?: NodeStorage;
  /** number of samples used to measure distances along the path */
  probes?: number;
  /** what the caller knows about the origin; stored in the manifest */
  provenance?: Record<string, unknown>;
  /** whether the folder holds the beginning of this recording and `loadState` will be called; default false */
  resume?: boolean;
  execution?: Execution;
}

/** The figures of one step. */
export interface RecordingFigures {
  /** the loss before the update; for denoisers, per element */
  loss: number;
  /** norm of its gradient */
  gradientNorm: number;
  learningRate: number;
}
