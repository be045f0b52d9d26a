// Run folders.

export { type Checkpoint, latestCheckpoint, loadCheckpoint, saveCheckpoint } from "../runs/checkpoint.js";
export { type MetricsEntry, MetricsLog } from "../runs/metrics-log.js";
export { type Progress, silent } from "../runs/progress.js";
export { RunFolder, readRunFolder } from "../runs/run-folder.js";
export type { Stage, Trainable } from "../runs/stage.js";
export { runStage } from "../runs/stage-loop.js";
export { readStudentFile, writeStudentFile } from "../runs/student-file.js";

// Comparisons of runs.

export { chooseBest, convergenceScore } from "../compare/best-rates.js";
export { type CaseComparison, compareMethods, type MethodComparison } from "../compare/comparison.js";
export {
  type Convergence,
  type CostMeasure,
  curveOf,
  type MeasuredRun,
  withCosts,
} from "../compare/convergence.js";
export { costToReach, levelsBetween } from "../compare/levels.js";
export { type SpeedUp, speedUp, summarizeSpeedUps } from "../compare/speed-up.js";
