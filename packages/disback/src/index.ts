/** The method. */

/** Runs and comparisons. */
export { chooseBest, convergenceScore } from "./compare/best-rates.js";
export { type CaseComparison, compareMethods, type MethodComparison } from "./compare/comparison.js";
export {
  type Convergence,
  type CostMeasure,
  curveOf,
  type MeasuredRun,
  withCosts,
} from "./compare/convergence.js";
export { costToReach, levelsBetween } from "./compare/levels.js";
export { type SpeedUp, speedUp, summarizeSpeedUps } from "./compare/speed-up.js";
/** Data. */
export { DataLoader, type DataLoaderOptions } from "./data/data-loader.js";
export { type Batch, type Dataset, openDataset, TensorDataset } from "./data/dataset.js";
export { requireFittingData, type SampleFacts } from "./data/fitting.js";
export { describeLeftOut, type LeftOut } from "./data/left-out.js";
export type { ArchiveLimits, OpenOptions } from "./data/options.js";
export { type GridOptions, writeGrid } from "./data/output/grid.js";
export { writeNpz } from "./data/output/npz.js";
export { writePng, writePngFolder } from "./data/output/png.js";
export { type ScatterOptions, writeScatter } from "./data/output/scatter.js";
export { toUint8Images, type Uint8Images } from "./data/output/uint8-images.js";
export {
  Backtracking,
  type BacktrackingFigures,
  type BacktrackingOptions,
  backtrack,
} from "./distill/backtrack.js";
export { type DenoisingLossOptions, denoisingLoss, denoisingWeight } from "./distill/denoising-loss.js";
export {
  DirectDistillation,
  type DirectDistillationOptions,
  distillDirectly,
} from "./distill/direct-distillation.js";
export type { DirectInput, DirectObjective } from "./distill/direct-objective.js";
export { Imitation, type ImitationOptions, imitate } from "./distill/imitate.js";
export { evenSteps } from "./distill/node-schedule.js";
export {
  EvenDistance,
  type EvenDistanceOptions,
  type NodeSelection,
  type RecordingView,
  StepNodes,
} from "./distill/node-selection.js";
export type { NodeStorage } from "./distill/node-storage.js";
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
/** Objectives. */
export { Dmd, type DmdOptions } from "./distill/objectives/dmd.js";
export { Dmd2, type Dmd2Options } from "./distill/objectives/dmd2.js";
export { Guided } from "./distill/objectives/guided.js";
export { Regression, type RegressionOptions } from "./distill/objectives/regression.js";
export { Sid, type SidOptions } from "./distill/objectives/sid.js";
export { Vsd, type VsdOptions } from "./distill/objectives/vsd.js";
export { PathDistance } from "./distill/path-distance.js";
export { Processes, type ProcessesOptions } from "./distill/processes.js";
export { Recording, type RecordingOptions, record } from "./distill/record.js";
export { type SampleDistance, sampleDistances } from "./distill/sample-distance.js";
export { type PooledSamples, SamplePool } from "./distill/sample-pool.js";
export { addNoise, agreement, targetError, withoutSpoiltSamples } from "./distill/score-comparison.js";
export { evenAngles, StudentGenerator, type StudentGeneratorOptions } from "./distill/student-generator.js";
export type { TargetPathOptions, TrajectoryUse } from "./distill/target-path.js";
export {
  MismatchReached,
  type MismatchReachedOptions,
  StepsPerTarget,
  type TargetProgress,
  type TargetSchedule,
} from "./distill/target-schedule.js";
export { type TeacherPairsOptions, teacherPairs } from "./distill/teacher-pairs.js";
export { Trajectory, type TrajectoryNode } from "./distill/trajectory.js";
export {
  type TrajectoryNeed,
  type TrajectoryNeedOptions,
  trajectoryNeed,
} from "./distill/trajectory-need.js";
export { type Weighting, weightings } from "./distill/weighting.js";
export { DisbackError } from "./errors.js";
export { type ExportableModel, exportableModel } from "./export/exportable.js";
export { checkOnnx, type OnnxCheck } from "./export/onnx/check.js";
/** Export. */
export { exportOnnx, type Precision } from "./export/onnx/export-onnx.js";
/** Teachers. */
export { readAutoencoder } from "./import/read-autoencoder.js";
export { type ReadTeacher, readTeacher } from "./import/read-teacher.js";
export type { ReadTeacherOptions } from "./import/teacher-source.js";
/** Metrics. */
export { ClassifierExtractor, loadClassifierExtractor } from "./metrics/classifier-extractor.js";
export { CoordinateExtractor } from "./metrics/coordinate-extractor.js";
export { loadEdmReference } from "./metrics/edm-reference.js";
export { type Evaluation, type EvaluationOptions, evaluate, type MetricName } from "./metrics/evaluate.js";
export type { FeatureExtractor } from "./metrics/feature-extractor.js";
export { frechetDistance } from "./metrics/frechet-distance.js";
export { inceptionScore } from "./metrics/inception-score.js";
export { type KernelDistanceOptions, kid } from "./metrics/kernel-distance.js";
export { type ModeCoverage, modeCoverage } from "./metrics/mode-coverage.js";
export { type PrecisionRecall, precisionRecall } from "./metrics/precision-recall.js";
export { loadReference, type Reference, saveReference } from "./metrics/reference.js";
export { isReferenceFile, loadReferenceFile } from "./metrics/reference-file.js";
export { referenceStatistics } from "./metrics/reference-statistics.js";
export { loadShippedExtractor, loadShippedReference, shippedExtractors } from "./metrics/shipped.js";
export { type SlicedWassersteinOptions, slicedWasserstein } from "./metrics/sliced-wasserstein.js";
export { computeStatistics, type Statistics } from "./metrics/statistics.js";
export { TorchScriptInception } from "./metrics/torch-script-inception.js";
export {
  type AutoencoderConfig,
  type AutoencoderConfigInput,
  parseAutoencoderConfig,
} from "./models/autoencoder/autoencoder-config.js";
export { AutoencoderKl } from "./models/autoencoder/autoencoder-kl.js";
export { openCodec } from "./models/autoencoder/open-codec.js";
export { loadAutoencoder, saveAutoencoder } from "./models/autoencoder/storage.js";
export * from "./models/config.js";
export { type Denoiser, DenoiserModule, type FeatureDenoiser } from "./models/denoiser.js";
/** Models. */
export { GuidedDenoiser } from "./models/guided-denoiser.js";
export { LowRankDenoiser, type LowRankOptions } from "./models/low-rank.js";
export { PreconditionedDenoiser } from "./models/preconditioning/preconditioned.js";
export type { SampleCodec } from "./models/sample-codec.js";
export * from "./models/samplers.js";
export { type Checkpoint, latestCheckpoint, loadCheckpoint, saveCheckpoint } from "./runs/checkpoint.js";
export { readGeneratorFile, writeGeneratorFile } from "./runs/generator-file.js";
export { type ExportedModel, type ExportOptions, exportModel } from "./runs/jobs/exporting.js";
export {
  type ImportedTeacher,
  importTeacher,
  type TeacherImportOptions,
} from "./runs/jobs/teacher-import.js";
export { type MetricsEntry, MetricsLog } from "./runs/metrics-log.js";
export { type Progress, silent } from "./runs/progress.js";
export { RunFolder, readRunFolder } from "./runs/run-folder.js";
export { runStage, type Stage, type Trainable } from "./runs/train-loop.js";
export { TeacherTraining, type TeacherTrainingOptions } from "./teacher/training.js";
