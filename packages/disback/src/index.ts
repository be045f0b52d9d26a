// The method. Models, metrics, data and runs have their own subpaths: disback/models, …

export { Backtracking, backtrack } from "./distill/backtrack.js";
export type { BacktrackingFigures, BacktrackingOptions } from "./distill/backtracking-options.js";
export {
  type Decision,
  decide,
  describeDecision,
  type ImitatedPairs,
  type ImitationOf,
  type Method,
} from "./distill/decide.js";
export { defaults } from "./distill/defaults.js";
export {
  DirectDistillation,
  type DirectDistillationOptions,
  distillDirectly,
} from "./distill/direct-distillation.js";
export { type DistillationOptions, type Distilled, distill } from "./distill/distill.js";
export { Imitation, type ImitationOptions, imitate } from "./distill/imitate.js";
export { Recording, record } from "./distill/record.js";
export type { RecordingFigures, RecordingOptions } from "./distill/recording-options.js";
export type { Execution } from "./training/execution.js";
export { Processes, type ProcessesOptions } from "./training/processes.js";

// Students and conditions.

export { CachedPrompts, type CachedPromptsOptions } from "./distill/cached-prompts.js";
export {
  type ConditionSource,
  conditionSourceOf,
  noConditions,
  UniformClasses,
  UniformTasks,
} from "./distill/condition-source.js";
export { DenoiserStudent, type DenoiserStudentOptions, evenAngles } from "./distill/denoiser-student.js";
export { type GeneratorModule, GeneratorStudent, type LatentDraw } from "./distill/generator-student.js";
export { CrossEntropyFit } from "./distill/language/cross-entropy-fit.js";
export { generalizedDivergence } from "./distill/language/divergence.js";
export { Gkd, type GkdOptions } from "./distill/language/gkd.js";
export { Supervised, type SupervisedOptions } from "./distill/language/supervised.js";
export { draw, generate, type Student } from "./distill/student.js";
export { kindOf, type StudentKind, studentFrom } from "./distill/student-kind.js";
export { UniformPrompts } from "./distill/uniform-prompts.js";
export {
  type Condition,
  type ConditionShapes,
  classCondition,
  classesOf,
  labelCondition,
  narrowRows,
  selectRows,
} from "./models/condition.js";
export type { ModelFacts, TextFacts } from "./models/facts.js";

// Trajectories.

export { KlDecoder, KlEncoder, TinyHalf } from "./distill/autoencoder-halves.js";
export {
  type CheckpointTrajectoryOptions,
  checkpointTrajectory,
  type TeacherCheckpoint,
} from "./distill/checkpoint-trajectory.js";
export { DenoiserOutline, DenoisingFit } from "./distill/denoising-fit.js";
export type { Fit, FitBatch, Outline } from "./distill/fit.js";
export { evenSteps } from "./distill/node-schedule.js";
export {
  EvenDistance,
  type EvenDistanceOptions,
  type NodeSelection,
  type RecordingView,
  StepNodes,
} from "./distill/node-selection.js";
export type { NodeStorage } from "./distill/node-storage.js";
export { OutputFit } from "./distill/output-fit.js";
export { measureReach, type Reach, type ReachOptions } from "./distill/reach.js";
export type { TargetPathOptions, TrajectoryUse } from "./distill/target-path.js";
export {
  MismatchReached,
  type MismatchReachedOptions,
  StepsPerTarget,
  type TargetProgress,
  type TargetSchedule,
} from "./distill/target-schedule.js";
export { type TeacherSamplesOptions, teacherSamples } from "./distill/teacher-samples.js";
export {
  distillTinyHalf,
  type TinyHalfOptions,
  type TinySizes,
  tinyAutoencoderFor,
} from "./distill/tiny-autoencoder.js";
export { Trajectory, type TrajectoryNode } from "./distill/trajectory.js";
export { type ShortenStepOptions, shortenStep, TrustRegion } from "./distill/trust-region.js";

// Objectives and their parts.

export { type DenoisingLossOptions, denoisingLoss, denoisingWeight } from "./distill/denoising-loss.js";
export type { DirectInput, DirectObjective } from "./distill/direct-objective.js";
export type { DiscriminatorOptions } from "./distill/discriminator.js";
export {
  KarrasUniform,
  type KarrasUniformOptions,
  LogNormal,
  type NoiseDistribution,
} from "./distill/noise-distribution.js";
export type {
  Carried,
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "./distill/objective.js";
export { Consistency, type ConsistencyOptions } from "./distill/objectives/consistency.js";
export { DiffInstruct, type DiffInstructOptions } from "./distill/objectives/diff-instruct.js";
export type { Divergence } from "./distill/objectives/divergences.js";
export { Dmd, type DmdOptions } from "./distill/objectives/dmd.js";
export { Dmd2, type Dmd2Options } from "./distill/objectives/dmd2.js";
export { Ect, type EctOptions } from "./distill/objectives/ect.js";
export { FDistill, type FDistillOptions } from "./distill/objectives/f-distill.js";
export { Ladd } from "./distill/objectives/ladd.js";
export { MeanFlow, type MeanFlowOptions } from "./distill/objectives/meanflow.js";
export { MomentMatching, type MomentMatchingOptions } from "./distill/objectives/moment-matching.js";
export { OutputMatching, type OutputMatchingOptions } from "./distill/objectives/output-matching.js";
export { Regression, type RegressionOptions } from "./distill/objectives/regression.js";
export { Scm, type ScmOptions } from "./distill/objectives/scm.js";
export { Sid, type SidOptions } from "./distill/objectives/sid.js";
export { Sida, type SidaOptions } from "./distill/objectives/sida.js";
export { Sim, type SimOptions } from "./distill/objectives/sim.js";
export { Tcm, type TcmOptions } from "./distill/objectives/tcm.js";
export { Vsd, type VsdOptions } from "./distill/objectives/vsd.js";
export { type SampleDistance, sampleDistances } from "./distill/sample-distance.js";
export { type PooledSamples, SamplePool } from "./distill/sample-pool.js";
export {
  addNoise,
  agreement,
  type NoisedEstimate,
  targetError,
  withoutSpoiltSamples,
} from "./distill/score-comparison.js";
export { type TeacherPairsOptions, teacherPairs } from "./distill/teacher-pairs.js";
export { type Weighting, weightings } from "./distill/weighting.js";

// Models by name, run, folder or file.

export {
  type GeneratedSamples,
  type GenerateOptions,
  type LoadedModel,
  load,
} from "./runs/load.js";
export { openDenoiser, openModel } from "./runs/open-model.js";
export type { OpenedModel, OpeningOptions } from "./runs/opened-model.js";

// Types that the signatures above need.

export { DisbackError } from "./errors.js";
export { type Denoiser, DenoiserModule, type FeatureDenoiser } from "./models/denoiser.js";
