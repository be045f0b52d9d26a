import { type Convergence, type CostMeasure, curveOf } from "./convergence.js";

/**
 * The score of a run: the mean logarithm of its figure over the budget. It rewards fast progress as well as a good end.
 * Lower is better; a run that diverged scores infinity.
 *
 * Recording counts: the figure stays at its start until the first student step.
 *
 * @param budget cost over which the mean is taken; a run that ends earlier keeps its last figure
 */
export function convergenceScore(
  run: Convergence,
  figure: string,
  budget: number,
  measure: CostMeasure = "iterationsWithPreparation",
): number {
  const curve = curveOf(run, figure, measure).map(([cost, value]) => [cost, Math.log(value)] as const);
  const [first, last] = [curve[0], curve.at(-1)];
  if (run.diverged || !first || !last) return Number.POSITIVE_INFINITY;
  const points = [[0, first[1]] as const, ...curve, [Math.max(budget, last[0]), last[1]] as const];
  let area = 0;
  for (let i = 1; i < points.length; i++) {
    const [from, start] = points[i - 1]!;
    const [to, end] = points[i]!;
    if (from >= budget) break;
    const width = Math.min(to, budget) - from;
    const endInside = to > from ? start + ((end - start) * width) / (to - from) : end;
    area += (width * (start + endInside)) / 2;
  }
  return area / budget;
}

/** One candidate of a sweep and its scores, one per seed. */
export interface Candidate<Rates> {
  rates: Rates;
  scores: number[];
}

/** The result of a sweep. */
export interface Choice<Rates> {
  chosen: Rates;
  /** Every candidate with its mean score, in the order given. */
  candidates: { rates: Rates; score: number }[];
}

/** The candidate with the lowest mean score over the seeds; the first of equals; undefined without candidates. */
export function chooseBest<Rates>(candidates: readonly Candidate<Rates>[]): Choice<Rates> | undefined {
  const scored = candidates.map(({ rates, scores }) => ({
    rates,
    score: scores.reduce((sum, score) => sum + score, 0) / scores.length,
  }));
  const [first, ...others] = scored;
  if (!first) return undefined;
  const best = others.reduce((lowest, one) => (one.score < lowest.score ? one : lowest), first);
  return { chosen: best.rates, candidates: scored };
}
