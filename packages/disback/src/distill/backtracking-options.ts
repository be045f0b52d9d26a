import type { Module } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import type { GuidanceOptions } from "../models/guided-denoiser.js";
import type { Execution } from "../training/execution.js";
import type { RateDecay } from "../training/learning-rate-plan.js";
import type { Objective } from "./objective.js";
import type { Student } from "./student.js";
import type { TargetPathOptions } from "./target-path.js";
import type { TargetSchedule } from "./target-schedule.js";
import type { Trajectory } from "./trajectory.js";

/** The inputs and options of a distillation. Defaults are those of `defaults.backtracking`. */
export interface BacktrackingOptions<M extends Module = DenoiserModule, S extends Student = Student>
  extends TargetPathOptions {
  /** the teacher: the last target; not changed */
  teacher: M;
  /** trained in place */
  student: S;
  /** the trajectory to the teacher; without one, the objective alone is run (the baseline) */
  trajectory?: Trajectory | undefined;
  /**
   * rank of the auxiliary model, if it shall be adapters on the teacher, see `LowRankDenoiser`. Default: the student's rank
   * if the student is adapters on the teacher, else all weights of a copy are trained
   */
  rank?: number | undefined;
  /** default Diff-Instruct, for denoisers */
  objective?: Objective<M>;
  /** classifier-free guidance of the targets, see `GuidedDenoiser`; 1, the default, is none */
  guidance?: number;
  /** what guidance leads away from, and how far it gets back the contrast; default no condition, not at all */
  guidanceOptions?: GuidanceOptions;
  /** number of student steps */
  iterations?: number;
  /** when to move to the next target; default: when the current one is reached, or after `stepsPerTarget` steps */
  schedule?: TargetSchedule;
  /** samples per step, over all processes */
  batchSize?: number;
  /** Adam's learning rate for the student */
  studentLearningRate?: number;
  /** Adam's learning rate for the auxiliary model */
  auxiliaryLearningRate?: number;
  /** steps over which both rates rise from 0 */
  rampUp?: number;
  /** how both rates fall: constant (default) not at all, cosine to 0 at the end, inverse-sqrt with the root of the step */
  decay?: RateDecay;
  /** step at which they begin to fall */
  decayFrom?: number;
  /** updates of the auxiliary model per student update; 5 in DMD2 */
  auxiliarySteps?: number;
  /** decay of implicit distribution alignment, see `implicitAlignment`: 0.97 in SenseFlow; default none */
  idaDecay?: number | undefined;
  /** Adam's betas for both */
  betas?: [number, number];
  /** decay of the student's averaged weights per step, in [0, 1) */
  emaDecay?: number;
  execution?: Execution;
}

/** The figures of one step. */
export interface BacktrackingFigures {
  /** the auxiliary model's loss on the student's samples; the student's own loss if there is no auxiliary model */
  loss: number;
  /** root mean square of the auxiliary model's estimate minus the target's */
  gap: number;
  /** mismatch degree with the current target */
  mismatch: number;
  /** mean softplus(-d) of the discriminator for the student's samples, if there is one: ln 2 if it cannot tell */
  adversarial?: number;
  /** norm of the student's gradient */
  gradientNorm: number;
  /** norm of the auxiliary model's gradient; 0 if there is none */
  auxiliaryGradientNorm: number;
  /** the target of this step, from N - 1 down to 0 (the teacher); a fraction between two nodes */
  target: number;
  /** the student's learning rate */
  learningRate: number;
}
