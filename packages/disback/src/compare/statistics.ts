/** The median; `undefined` without values. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)];
  const [low, high] = [sorted[middle - 1]!, sorted[middle]!];
  // Two infinities of opposite sign, or a number and infinity, have no meaningful mean.
  return Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : high;
}

/** Lowest value, median and highest value. */
export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** @returns `undefined` without values */
export function spread(values: readonly number[]): Spread | undefined {
  const middle = median(values);
  if (middle === undefined) return undefined;
  return { median: middle, lowest: Math.min(...values), highest: Math.max(...values) };
}
