/** A value averaged over parts of the data, with the spread between the parts. */
export interface Estimate {
  mean: number;
  /** Population standard deviation over the parts. */
  deviation: number;
}

/** Mean and population standard deviation of `values` (at least one). */
export function estimate(values: number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
