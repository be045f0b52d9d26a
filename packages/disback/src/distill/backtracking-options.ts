import type { Module } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { Execution } from "../training/execution.js";
import type { Objective } from "./objective.js";
import type { Student } from "./student.js";
import type { TargetPathOptions } from "./target-path.js";
import type { TargetSchedule } from "./target-schedule.js";
import type { Trajectory } from "./trajectory.js";

/** What a student is distilled from and how. Defaults are those of `defaults.backtracking`. */
export interface BacktrackingOptions<M extends Module = DenoiserModule, S extends Student = Student>
  extends TargetPathOptions {
  /** the teacher: the last target; not changed */
  teacher: M;
  /** trained in place */
  student: S;
  /** the way to the teacher; without one this is the objective alone (the baseline) */
  trajectory?: Trajectory | undefined;
  /** default Diff-Instruct, for denoisers */
  objective?: Objective<M>;
  /** classifier-free guidance of the targets, see `GuidedDenoiser`; 1, the default, is none */
  guidance?: number;
  /** student steps altogether */
  iterations?: number;
  /** when the next target's turn comes; default once it is reached, after `stepsPerTarget` steps at the latest */
  schedule?: TargetSchedule;
  /** samples per step, of all processes together */
  batchSize?: number;
  /** Adam's learning rate for the student */
  studentLearningRate?: number;
  /** Adam's learning rate for the auxiliary model */
  auxiliaryLearningRate?: number;
  /** updates of the auxiliary model for each of the student; 5 in DMD2 */
  auxiliarySteps?: number;
  /** Adam's betas for both */
  betas?: [number, number];
  /** decay of the student's averaged weights per step, in [0, 1) */
  emaDecay?: number;
  execution?: Execution;
}

/** What a step tells. */
export interface BacktrackingFigures {
  /** the auxiliary model's loss on the student's samples; without one, the student's own */
  loss: number;
  /** root mean square of auxiliary minus target */
  gap: number;
  /** mismatch degree towards the current target */
  mismatch: number;
  /** norm of the student's gradient */
  gradientNorm: number;
  /** norm of the auxiliary model's gradient; 0 without one */
  auxiliaryGradientNorm: number;
  /** the target of this step: N - 1 down to 0, the teacher; in between two nodes a fraction */
  target: number;
  /** the student's */
  learningRate: number;
}
