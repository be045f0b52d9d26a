/** The method. */

/** Data. */
export { DataLoader, type DataLoaderOptions } from "./data/data-loader.js";
export { type Batch, type Dataset, openDataset, TensorDataset } from "./data/dataset.js";
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
export { evenSteps } from "./distill/node-schedule.js";
export {
  EvenDistance,
  type EvenDistanceOptions,
  type NodeSelection,
  type RecordingView,
  StepNodes,
} from "./distill/node-selection.js";
export {
  KarrasUniform,
  type KarrasUniformOptions,
  LogNormal,
  type NoiseDistribution,
} from "./distill/noise-distribution.js";
export type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "./distill/objective.js";
export { DiffInstruct, type DiffInstructOptions } from "./distill/objectives/diff-instruct.js";
export { PathDistance } from "./distill/path-distance.js";
export { Recording, type RecordingOptions, record } from "./distill/record.js";
export { StudentGenerator, type StudentGeneratorOptions } from "./distill/student-generator.js";
export {
  MismatchReached,
  type MismatchReachedOptions,
  StepsPerTarget,
  type TargetProgress,
  type TargetSchedule,
} from "./distill/target-schedule.js";
export { Trajectory, type TrajectoryNode } from "./distill/trajectory.js";
export { DisbackError } from "./errors.js";
/** Metrics. */
export { ClassifierExtractor, loadClassifierExtractor } from "./metrics/classifier-extractor.js";
export { CoordinateExtractor } from "./metrics/coordinate-extractor.js";
export { type Evaluation, type EvaluationOptions, evaluate, type MetricName } from "./metrics/evaluate.js";
export type { FeatureExtractor } from "./metrics/feature-extractor.js";
export { frechetDistance } from "./metrics/frechet-distance.js";
export { inceptionScore } from "./metrics/inception-score.js";
export { type KernelDistanceOptions, kid } from "./metrics/kernel-distance.js";
export { type ModeCoverage, modeCoverage } from "./metrics/mode-coverage.js";
export { type PrecisionRecall, precisionRecall } from "./metrics/precision-recall.js";
export { loadReference, type Reference, saveReference } from "./metrics/reference.js";
export { referenceStatistics } from "./metrics/reference-statistics.js";
export { loadShippedExtractor, loadShippedReference, shippedExtractors } from "./metrics/shipped.js";
export { type SlicedWassersteinOptions, slicedWasserstein } from "./metrics/sliced-wasserstein.js";
export { computeStatistics, type Statistics } from "./metrics/statistics.js";
export { TorchScriptInception } from "./metrics/torch-script-inception.js";
/** Models. */
export * from "./models/config.js";
export { type Denoiser, DenoiserModule } from "./models/denoiser.js";
export * from "./models/samplers.js";
/** Teachers. */
export { TeacherTraining, type TeacherTrainingOptions } from "./teacher/training.js";
