/**
 * How many times faster a method reaches a level than the baseline.
 *
 * - `measured`: both reached the level;
 * - `below`: only the baseline did, so the speed-up is below `ratio` (which uses the method's whole budget as its
 *   cost);
 * - `above`: only the method did, so it is above `ratio` (which uses the baseline's whole budget as its cost);
 * - `neither`: there is no ratio.
 */
export type SpeedUp = { kind: "measured" | "below" | "above"; ratio: number } | { kind: "neither" };

/** The cost of reaching a level, and the total cost. */
export interface Reach {
  /** `undefined`: never reached. */
  cost: number | undefined;
  budget: number;
}

/** @returns the baseline's cost over the method's; 1 if both start at the level */
export function speedUp(baseline: Reach, method: Reach): SpeedUp {
  if (baseline.cost !== undefined && method.cost !== undefined) {
    const tie = baseline.cost === method.cost;
    return { kind: "measured", ratio: tie ? 1 : baseline.cost / method.cost };
  }
  if (baseline.cost !== undefined) return { kind: "below", ratio: baseline.cost / method.budget };
  if (method.cost !== undefined) return { kind: "above", ratio: baseline.budget / method.cost };
  return { kind: "neither" };
}

/** Speed-ups at one level over the seeds. */
export interface SpeedUpSummary {
  median: SpeedUp;
  lowest: SpeedUp;
  highest: SpeedUp;
  /** In the order of the seeds. */
  seeds: SpeedUp[];
  /** Number of seeds in which the method, and the baseline, reached the level. */
  reached: { method: number; baseline: number };
}

/**
 * Median and range over seeds. If only the baseline reached the level, the seed counts as slower than every measured
 * ratio (`below`); if only the method did, as faster (`above`). Seeds in which neither did count only in `reached`.
 */
export function summarizeSpeedUps(seeds: readonly SpeedUp[]): SpeedUpSummary {
  const known = seeds.filter((one) => one.kind !== "neither").sort(inOrder);
  const count = (...kinds: SpeedUp["kind"][]) => seeds.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    median: middleOf(known),
    lowest: known[0] ?? { kind: "neither" },
    highest: known.at(-1) ?? { kind: "neither" },
    seeds: [...seeds],
    reached: { method: count("measured", "above"), baseline: count("measured", "below") },
  };
}

type Known = Exclude<SpeedUp, { kind: "neither" }>;
const RANKS = { below: 0, measured: 1, above: 2 };

function inOrder(a: Known, b: Known): number {
  return RANKS[a.kind] - RANKS[b.kind] || a.ratio - b.ratio;
}

/** The middle one. Between two: their geometric mean if both are measured, else the slower one. */
function middleOf(sorted: readonly Known[]): SpeedUp {
  if (sorted.length === 0) return { kind: "neither" };
  const high = sorted[Math.floor(sorted.length / 2)]!;
  if (sorted.length % 2 === 1) return high;
  const low = sorted[sorted.length / 2 - 1]!;
  if (low.kind !== "measured" || high.kind !== "measured") return low;
  return { kind: "measured", ratio: Math.sqrt(low.ratio * high.ratio) };
}
