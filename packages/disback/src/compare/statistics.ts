/** The middle value; of an even number the mean of the two in the middle. `undefined` for none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)];
  const [low, high] = [sorted[middle - 1]!, sorted[middle]!];
  // Not the mean of infinities of both signs, nor of a number and infinity: that would be no value of anybody's.
  return Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : high;
}

/** Lowest, middle and highest of some values. */
export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** @returns `undefined` for no values */
export function spread(values: readonly number[]): Spread | undefined {
  const middle = median(values);
  if (middle === undefined) return undefined;
  return { median: middle, lowest: Math.min(...values), highest: Math.max(...values) };
}
