import type { CaseComparison } from "../../compare/comparison.js";
import type { Convergence } from "../../compare/convergence.js";
import type { CompareSettings } from "../settings/compare.js";
import type { LearningRates } from "./plan.js";

export const COMPARISON_FORMAT = "disback-comparison-3";

/** The content of `compare.json`: settings, curves and results. */
export interface ComparisonDocument {
  format: typeof COMPARISON_FORMAT;
  preset?: string;
  settings: CompareSettings;
  /** The figure compared; lower is better. */
  figure: string;
  teacher: Record<string, number>;
  /** How figures were measured, in one line. */
  measuredWith: string;
  versions: Record<string, string>;
  machine: Record<string, string | number>;
  cases: StudentCase[];
}

/** All methods from one kind of student. */
export interface StudentCase extends CaseComparison {
  student: string;
  /** Size of the networks' files and the student's speed, if a run finished. */
  models: { teacherBytes: number; studentBytes?: number; samplesPerSecond?: number };
  runs: MethodRuns[];
}

/** The reported runs of a method, and the sweep of its learning rates. */
export interface MethodRuns {
  method: string;
  rates: LearningRates;
  /** One run per seed. */
  convergence: (Convergence & { folder: string })[];
  /** Only with the protocol best: mean scores (lower is better) and their number of seeds. */
  sweep?: { rates: LearningRates; score: number }[];
  /** Whether the chosen rates are at an end of the sweep, so that better ones may lie beyond it. */
  atEdge?: boolean;
}

/** JSON of a document; numbers that are not finite become text. */
export function documentJson(document: ComparisonDocument): string {
  const text = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(document, text, 2)}\n`;
}
