/** The method. */

/** Data. */
export { DataLoader, type DataLoaderOptions } from "./data/dataLoader.js";
export { type Batch, type Dataset, openDataset, TensorDataset } from "./data/dataset.js";
export type { ArchiveLimits, OpenOptions } from "./data/options.js";
export { type GridOptions, writeGrid } from "./data/output/grid.js";
export { writeNpz } from "./data/output/npz.js";
export { writePng, writePngFolder } from "./data/output/png.js";
export { type ScatterOptions, writeScatter } from "./data/output/scatter.js";
export { toUint8Images, type Uint8Images } from "./data/output/uint8Images.js";
export {
  Backtracking,
  type BacktrackingFigures,
  type BacktrackingOptions,
  backtrack,
} from "./distill/backtrack.js";
export { type DenoisingLossOptions, denoisingLoss, denoisingWeight } from "./distill/denoisingLoss.js";
export { evenSteps } from "./distill/nodeSchedule.js";
export {
  KarrasUniform,
  type KarrasUniformOptions,
  LogNormal,
  type NoiseDistribution,
} from "./distill/noiseDistribution.js";
export type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "./distill/objective.js";
export { DiffInstruct, type DiffInstructOptions } from "./distill/objectives/diffInstruct.js";
export { PathDistance } from "./distill/pathDistance.js";
export { Recording, type RecordingOptions, record } from "./distill/record.js";
export { StudentGenerator, type StudentGeneratorOptions } from "./distill/studentGenerator.js";
export { StepsPerTarget, type TargetProgress, type TargetSchedule } from "./distill/targetSchedule.js";
export { Trajectory, type TrajectoryNode } from "./distill/trajectory.js";
export { DisbackError } from "./errors.js";
/** Metrics. */
export { ClassifierExtractor, loadClassifierExtractor } from "./metrics/classifierExtractor.js";
export { CoordinateExtractor } from "./metrics/coordinateExtractor.js";
export { type Evaluation, type EvaluationOptions, evaluate, type MetricName } from "./metrics/evaluate.js";
export type { FeatureExtractor } from "./metrics/featureExtractor.js";
export { frechetDistance } from "./metrics/frechetDistance.js";
export { inceptionScore } from "./metrics/inceptionScore.js";
export { type KernelDistanceOptions, kid } from "./metrics/kernelDistance.js";
export { type ModeCoverage, modeCoverage } from "./metrics/modeCoverage.js";
export { type PrecisionRecall, precisionRecall } from "./metrics/precisionRecall.js";
export { loadReference, type Reference, saveReference } from "./metrics/reference.js";
export { referenceStatistics } from "./metrics/referenceStatistics.js";
export { loadShippedExtractor, loadShippedReference, shippedExtractors } from "./metrics/shipped.js";
export { type SlicedWassersteinOptions, slicedWasserstein } from "./metrics/slicedWasserstein.js";
export { computeStatistics, type Statistics } from "./metrics/statistics.js";
export { TorchScriptInception } from "./metrics/torchScriptInception.js";
/** Models. */
export * from "./models/config.js";
export { type Denoiser, DenoiserModule } from "./models/denoiser.js";
export * from "./models/samplers.js";
/** Teachers. */
export { TeacherTraining, type TeacherTrainingOptions } from "./teacher/training.js";
