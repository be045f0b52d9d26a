import type { MethodComparison } from "../../compare/comparison.js";
import type { SpeedUp } from "../../compare/speed-up.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { type MainCost, mainCost } from "./wording.js";

/** Speed-ups nearer to 1 than this are even. */
const EVEN = 0.02;

/**
 * The comparison of one kind of student in a sentence: `disback reaches diff-instruct's best FID in half the steps, in
 * all 3 seeds; it ends at 119, diff-instruct at 173.`
 */
export function verdictOf(document: ComparisonDocument, part: StudentCase): string {
  const { figure } = document;
  const cost = mainCost(document);
  const baseline = part.methods.find((method) => method.isBaseline)!;
  const others = part.methods.filter((method) => !method.isBaseline);
  if (others.length === 0) return "";
  const best = others.reduce((a, b) => (isBefore(b, a, cost) ? b : a));
  const { median, seeds } = bestOf(best, cost);
  const name = FIGURE_NAMES[figure] ?? figure;
  const goal = `${baseline.name}'s best ${name}`;
  const ends = `it ends at ${endText(best)}, ${baseline.name} at ${endText(baseline)}`;
  const count = (matches: (one: SpeedUp) => boolean) => seedsText(seeds.filter(matches).length, seeds.length);
  const more = others.length > 1 ? "Of all methods " : "";
  switch (rankOf(median)) {
    case "faster":
      return `${more}${best.name} reaches ${goal} ${shareText(median, cost)}, ${count((one) => rankOf(one) === "faster")}; ${ends}.`;
    case "even":
      return `${more}${best.name} reaches ${goal} in as ${cost.of === "steps" ? "many" : "much"} ${cost.of}; ${ends}.`;
    case "slower":
      return `No method is faster than ${baseline.name}: ${best.name} reaches its best ${name} ${shareText(median, cost)}; ${ends}.`;
    default:
      return `No method reaches ${goal} within its ${cost.of}; ${best.name} comes nearest: ${ends}.`;
  }
}

type Rank = "faster" | "even" | "slower" | "never";

/** The speed-up to the baseline's best. */
function bestOf({ speedUps }: MethodComparison, { measure }: MainCost) {
  return speedUps[measure].at(-1)!;
}

function rankOf(speedUp: SpeedUp): Rank {
  if (speedUp.kind === "above") return "faster";
  if (speedUp.kind !== "measured") return "never";
  if (Math.abs(speedUp.ratio - 1) < EVEN) return "even";
  return speedUp.ratio > 1 ? "faster" : "slower";
}

/** Whether one method is better: it gets there sooner, or, if neither does, ends nearer. */
function isBefore(a: MethodComparison, b: MethodComparison, cost: MainCost): boolean {
  const ratio = ({ median }: ReturnType<typeof bestOf>) => (median.kind === "measured" ? median.ratio : 0);
  const [left, right] = [ratio(bestOf(a, cost)), ratio(bestOf(b, cost))];
  return left === right ? a.end.median < b.end.median : left > right;
}

const FRACTIONS: readonly (readonly [number, string])[] = [
  [1 / 2, "half the"],
  [1 / 3, "a third of the"],
  [1 / 4, "a quarter of the"],
  [1 / 10, "a tenth of the"],
  [2, "twice the"],
  [3, "three times the"],
];

/** `in half the steps`, `in 64% of the steps`, `in 1.7 times the processor time`. */
function shareText(speedUp: SpeedUp, { of }: MainCost): string {
  if (speedUp.kind !== "measured" || !Number.isFinite(speedUp.ratio)) return "before its first step";
  const share = 1 / speedUp.ratio;
  const near = FRACTIONS.find(([fraction]) => Math.abs(share / fraction - 1) < 0.05);
  if (near) return `in ${near[1]} ${of}`;
  return share < 1
    ? `in ${Math.round(100 * share)}% of the ${of}`
    : `in ${shortNumber(Number(share.toPrecision(2)))} times the ${of}`;
}

function seedsText(count: number, all: number): string {
  if (all === 1) return "with the one seed measured";
  return count === all ? `in all ${all} seeds` : `in ${count} of ${all} seeds`;
}

function endText({ end }: MethodComparison): string {
  return Number.isFinite(end.median) ? shortNumber(end.median) : "nothing: it diverged";
}
