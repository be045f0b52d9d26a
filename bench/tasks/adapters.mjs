// Students of one base with adapters for each task: their settings, and what counts as their weights.
import { TaskAdapters } from "disback/models";

export const adapterRank = 8;
/** Four times the usual, the best in bench/tasks-points.mjs. */
export const adapterRates = { studentLearningRate: 2e-3, auxiliaryLearningRate: 4e-3 };

/** Numbers in a student's file: of adapters on a base, both. */
export function weightsOf({ module }) {
  const parts = module instanceof TaskAdapters ? [module.base, module] : [module];
  return parts.flatMap((part) => part.parameters()).reduce((sum, { numel }) => sum + numel, 0);
}
