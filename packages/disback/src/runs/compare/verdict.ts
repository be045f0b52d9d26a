import type { MethodComparison } from "../../compare/comparison.js";
import type { CostMeasure } from "../../compare/convergence.js";
import type { SpeedUp } from "../../compare/speed-up.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { ComparisonDocument, StudentCase } from "./document.js";

/** Steps count with their preparation: only so is the comparison fair. */
const MEASURE: CostMeasure = "iterationsWithPreparation";
/** Speed-ups nearer to 1 than this are even. */
const EVEN = 0.02;

/**
 * The comparison of one kind of student in a sentence: `disback reaches diff-instruct's best FID in half the steps, in
 * all 3 seeds; it ends at 119, diff-instruct at 173.`
 */
export function verdictOf({ figure }: ComparisonDocument, part: StudentCase): string {
  const baseline = part.methods.find((method) => method.isBaseline)!;
  const others = part.methods.filter((method) => !method.isBaseline);
  if (others.length === 0) return "";
  const best = others.reduce((a, b) => (isBefore(b, a) ? b : a));
  const { median, seeds } = bestOf(best);
  const name = FIGURE_NAMES[figure] ?? figure;
  const goal = `${baseline.name}'s best ${name}`;
  const ends = `it ends at ${endText(best)}, ${baseline.name} at ${endText(baseline)}`;
  const count = (matches: (one: SpeedUp) => boolean) => seedsText(seeds.filter(matches).length, seeds.length);
  const more = others.length > 1 ? "Of all methods " : "";
  switch (rankOf(median)) {
    case "faster":
      return `${more}${best.name} reaches ${goal} ${shareText(median)}, ${count((one) => rankOf(one) === "faster")}; ${ends}.`;
    case "even":
      return `${more}${best.name} reaches ${goal} in as many steps; ${ends}.`;
    case "slower":
      return `No method is faster than ${baseline.name}: ${best.name} reaches its best ${name} ${shareText(median)}; ${ends}.`;
    default:
      return `No method reaches ${goal} within its steps; ${best.name} comes nearest: ${ends}.`;
  }
}

type Rank = "faster" | "even" | "slower" | "never";

/** The speed-up to the baseline's best. */
function bestOf({ speedUps }: MethodComparison) {
  return speedUps[MEASURE].at(-1)!;
}

function rankOf(speedUp: SpeedUp): Rank {
  if (speedUp.kind === "above") return "faster";
  if (speedUp.kind !== "measured") return "never";
  if (Math.abs(speedUp.ratio - 1) < EVEN) return "even";
  return speedUp.ratio > 1 ? "faster" : "slower";
}

/** Whether one method is better: it gets there sooner, or, if neither does, ends nearer. */
function isBefore(a: MethodComparison, b: MethodComparison): boolean {
  const ratio = ({ median }: ReturnType<typeof bestOf>) => (median.kind === "measured" ? median.ratio : 0);
  const [left, right] = [ratio(bestOf(a)), ratio(bestOf(b))];
  return left === right ? a.end.median < b.end.median : left > right;
}

const FRACTIONS: readonly (readonly [number, string])[] = [
  [1 / 2, "half the steps"],
  [1 / 3, "a third of the steps"],
  [1 / 4, "a quarter of the steps"],
  [1 / 10, "a tenth of the steps"],
  [2, "twice the steps"],
  [3, "three times the steps"],
];

/** `in half the steps`, `in 64% of the steps`, `in 1.7 times the steps`. */
function shareText(speedUp: SpeedUp): string {
  if (speedUp.kind !== "measured" || !Number.isFinite(speedUp.ratio)) return "before its first step";
  const share = 1 / speedUp.ratio;
  const near = FRACTIONS.find(([fraction]) => Math.abs(share / fraction - 1) < 0.05);
  if (near) return `in ${near[1]}`;
  return share < 1
    ? `in ${Math.round(100 * share)}% of the steps`
    : `in ${shortNumber(Number(share.toPrecision(2)))} times the steps`;
}

function seedsText(count: number, all: number): string {
  if (all === 1) return "with the one seed measured";
  return count === all ? `in all ${all} seeds` : `in ${count} of ${all} seeds`;
}

function endText({ end }: MethodComparison): string {
  return Number.isFinite(end.median) ? shortNumber(end.median) : "nothing: it diverged";
}
