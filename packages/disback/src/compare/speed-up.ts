/**
 * How many times less a method takes than the baseline to reach a level.
 *
 * - `measured`: both reached it;
 * - `below`: only the baseline did, so the speed-up is below `ratio` (the method's whole budget taken as its cost);
 * - `above`: only the method did, so it is above `ratio` (the baseline's whole budget taken as its cost);
 * - `neither`: nothing can be said.
 */
export type SpeedUp = { kind: "measured" | "below" | "above"; ratio: number } | { kind: "neither" };

/** What reaching a level took, and what was spent in all. */
export interface Reach {
  /** `undefined`: never reached. */
  cost: number | undefined;
  budget: number;
}

/** @returns the baseline's cost over the method's; 1 when both are there from the start */
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
  /** Seeds in which the method, and the baseline, reached the level. */
  reached: { method: number; baseline: number };
}

/**
 * Median and range over seeds. A level never reached counts as slower than every measured ratio (`below`), one reached
 * by the method alone as faster (`above`); seeds in which neither got there say nothing and count only in `reached`.
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

/** The middle one; of two measured ones the geometric mean, else the slower of the two. */
function middleOf(sorted: readonly Known[]): SpeedUp {
  if (sorted.length === 0) return { kind: "neither" };
  const high = sorted[Math.floor(sorted.length / 2)]!;
  if (sorted.length % 2 === 1) return high;
  const low = sorted[sorted.length / 2 - 1]!;
  if (low.kind !== "measured" || high.kind !== "measured") return low;
  return { kind: "measured", ratio: Math.sqrt(low.ratio * high.ratio) };
}
