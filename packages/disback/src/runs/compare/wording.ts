import type { CostMeasure } from "../../compare/convergence.js";
import type { SpeedUp, SpeedUpSummary } from "../../compare/speed-up.js";
import { median, type Spread } from "../../compare/statistics.js";
import { shortNumber } from "../wording.js";
import type { ComparisonDocument } from "./document.js";
import { exponential, type LearningRates } from "./plan.js";

/** Display names of costs. */
export const MEASURE_NAMES: Readonly<Record<CostMeasure, string>> = {
  iterations: "iterations (preparation not counted)",
  iterationsWithPreparation: "iterations (preparation counted)",
  images: "images (preparation counted)",
  seconds: "seconds (preparation counted)",
  processorSeconds: "processor seconds (preparation counted)",
};

/** The same for narrow columns. */
export const SHORT_MEASURE_NAMES: Readonly<Record<CostMeasure, string>> = {
  iterations: "iterations",
  iterationsWithPreparation: "iterations + preparation",
  images: "images + preparation",
  seconds: "seconds + preparation",
  processorSeconds: "processor seconds + preparation",
};

/** The cost that counts first, and what it is of. */
export interface MainCost {
  measure: "iterationsWithPreparation" | "processorSeconds";
  /** `in half the steps` */
  of: string;
  /** `each after 120 steps` */
  units: string;
}

/**
 * The cost by which methods are compared first: processor time where every run has as much of it, else steps. Both with
 * preparation: only so is the comparison fair.
 */
export function mainCost({ settings }: Pick<ComparisonDocument, "settings">): MainCost {
  const { processorSeconds } = (settings.common.backtracking ?? {}) as { processorSeconds?: unknown };
  return processorSeconds === undefined
    ? { measure: "iterationsWithPreparation", of: "steps", units: "steps" }
    : { measure: "processorSeconds", of: "processor time", units: "processor seconds" };
}

/** `1.52×`; `never` if only the baseline reached the level, `>1.9×` if only the method did. */
export function speedUpText(speedUp: SpeedUp): string {
  switch (speedUp.kind) {
    case "measured":
      return Number.isFinite(speedUp.ratio) ? `${ratioText(speedUp.ratio)}×` : "before its first iteration";
    case "below":
      return speedUp.ratio > 0 ? `never (<${ratioText(speedUp.ratio)}×)` : "never";
    case "above":
      return Number.isFinite(speedUp.ratio) ? `>${ratioText(speedUp.ratio)}×` : "alone";
    case "neither":
      return "neither";
  }
}

/** A speed-up over seeds: its median and its spread. The spread is empty with a single seed. */
export function summaryParts(summary: SpeedUpSummary): { median: string; spread: string } {
  const { median: middle, lowest, highest, seeds, reached } = summary;
  if (seeds.length === 1 || middle.kind === "neither") return { median: speedUpText(middle), spread: "" };
  const [from, to] = [rangeEnd(lowest), rangeEnd(highest)];
  const notes = [
    ...(from === to ? [] : [`${from} to ${to}`]),
    ...(reached.method % seeds.length === 0 ? [] : [`reached ${reached.method} of ${seeds.length}`]),
  ];
  return { median: speedUpText(middle), spread: notes.join(", ") };
}

/** Two decimals while they are significant. */
export function ratioText(ratio: number): string {
  return ratio >= 10 || ratio < 0.1 ? shortNumber(ratio) : ratio.toFixed(2);
}

/** One end of a range. */
function rangeEnd(speedUp: SpeedUp): string {
  return speedUp.kind === "below" ? "never" : speedUpText(speedUp).replace("×", "");
}

/** `152 (140 to 171)` */
export function spreadText({ median, lowest, highest }: Spread): string {
  const number = (value: number) => (Number.isFinite(value) ? shortNumber(value) : "diverged");
  if (number(lowest) === number(highest)) return number(median);
  return `${number(median)} (${number(lowest)} to ${number(highest)})`;
}

/** Median cost over the seeds; "never" counts as infinite: `120`, `never`. */
export function medianCostText(costs: readonly (number | null)[]): string {
  const middle = median(costs.map((cost) => cost ?? Number.POSITIVE_INFINITY)) ?? Number.POSITIVE_INFINITY;
  return Number.isFinite(middle) ? shortNumber(middle) : "never";
}

/** The same, with the number of seeds if not all reached the level: `130 (reached 2 of 3)`. */
export function costText(costs: readonly (number | null)[]): string {
  const text = medianCostText(costs);
  const reached = costs.filter((cost) => cost !== null).length;
  return reached % costs.length === 0 ? text : `${text} (reached ${reached} of ${costs.length})`;
}

/** `75%`, `baseline's best` */
export function levelText(name: number | "baseline's best"): string {
  return typeof name === "number" ? `${shortNumber(100 * name)}%` : name;
}

/** `1e-4 / 2e-4`: student and auxiliary model. */
export function ratesText({ studentLearningRate, auxiliaryLearningRate }: LearningRates): string {
  return `${exponential(studentLearningRate)} / ${exponential(auxiliaryLearningRate)}`;
}

/** The start of a kind of student. */
export function studentText(student: string): string {
  const known: Record<string, string> = {
    same: "the teacher's own weights",
    untrained: "the teacher's network, untrained",
    small: "half the teacher's channels, untrained",
  };
  return known[student] ?? student;
}
