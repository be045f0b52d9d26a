// The method. Models, metrics, data and runs have subpaths of their own: disback/models, …

export {
  Backtracking,
  type BacktrackingFigures,
  type BacktrackingOptions,
  backtrack,
} from "./distill/backtrack.js";
export {
  DirectDistillation,
  type DirectDistillationOptions,
  distillDirectly,
} from "./distill/direct-distillation.js";
export { Imitation, type ImitationOptions, imitate } from "./distill/imitate.js";
export { Processes, type ProcessesOptions } from "./distill/processes.js";
export { Recording, type RecordingOptions, record } from "./distill/record.js";
export { evenAngles, StudentGenerator, type StudentGeneratorOptions } from "./distill/student-generator.js";

// Trajectories, and how they are walked.

export { evenSteps } from "./distill/node-schedule.js";
export {
  EvenDistance,
  type EvenDistanceOptions,
  type NodeSelection,
  type RecordingView,
  StepNodes,
} from "./distill/node-selection.js";
export type { NodeStorage } from "./distill/node-storage.js";
export { PathDistance } from "./distill/path-distance.js";
export type { TargetPathOptions, TrajectoryUse } from "./distill/target-path.js";
export {
  MismatchReached,
  type MismatchReachedOptions,
  StepsPerTarget,
  type TargetProgress,
  type TargetSchedule,
} from "./distill/target-schedule.js";
export { Trajectory, type TrajectoryNode } from "./distill/trajectory.js";
export {
  type TrajectoryNeed,
  type TrajectoryNeedOptions,
  trajectoryNeed,
} from "./distill/trajectory-need.js";

// Objectives, and what they are made of.

export { type DenoisingLossOptions, denoisingLoss, denoisingWeight } from "./distill/denoising-loss.js";
export type { DirectInput, DirectObjective } from "./distill/direct-objective.js";
export {
  KarrasUniform,
  type KarrasUniformOptions,
  LogNormal,
  type NoiseDistribution,
} from "./distill/noise-distribution.js";
export type {
  AuxiliaryStart,
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "./distill/objective.js";
export { Consistency, type ConsistencyOptions } from "./distill/objectives/consistency.js";
export { DiffInstruct, type DiffInstructOptions } from "./distill/objectives/diff-instruct.js";
export { Dmd, type DmdOptions } from "./distill/objectives/dmd.js";
export { Dmd2, type Dmd2Options } from "./distill/objectives/dmd2.js";
export { Guided } from "./distill/objectives/guided.js";
export { Regression, type RegressionOptions } from "./distill/objectives/regression.js";
export { Sid, type SidOptions } from "./distill/objectives/sid.js";
export { Vsd, type VsdOptions } from "./distill/objectives/vsd.js";
export { type SampleDistance, sampleDistances } from "./distill/sample-distance.js";
export { type PooledSamples, SamplePool } from "./distill/sample-pool.js";
export { addNoise, agreement, targetError, withoutSpoiltSamples } from "./distill/score-comparison.js";
export { type TeacherPairsOptions, teacherPairs } from "./distill/teacher-pairs.js";
export { type Weighting, weightings } from "./distill/weighting.js";

// What the signatures above need.

export { DisbackError } from "./errors.js";
export type { Denoiser, DenoiserModule, FeatureDenoiser } from "./models/denoiser.js";
