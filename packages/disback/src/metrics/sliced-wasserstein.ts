import { fromTypedArray, Generator, inferenceMode, randn, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/** Options of {@link slicedWasserstein}. */
export interface SlicedWassersteinOptions {
  /** Number of random directions (default 128). */
  projections?: number;
  /** Order p of the distance (default 2). */
  order?: number;
  /** Seed of the directions (default 0): `randn([projections, D])` in float64, normalised. */
  seed?: number;
}

/**
 * Sliced Wasserstein distance (Rabin et al. 2011): `(E_d W_p(a.d, b.d)^p)^(1/p)` over random unit directions d.
 * In one dimension the distance is exact: the p-th power mean difference of the two quantile functions, which are
 * step functions with the sorted samples as values; sets of different sizes are compared on the union of the steps.
 * @param a samples `[N, D]`
 * @param b samples `[M, D]`
 */
export function slicedWasserstein(a: Tensor, b: Tensor, options: SlicedWassersteinOptions = {}): number {
  const { projections = 128, order = 2, seed = 0 } = options;
  if (a.ndim !== 2 || b.ndim !== 2 || a.shape[1] !== b.shape[1]) {
    throw new DisbackError(
      `Sliced Wasserstein expects [N, D] and [M, D], got [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`,
    );
  }
  const dimension = a.shape[1]!;
  return inferenceMode(() =>
    scope(() => {
      const gaussian = randn([projections, dimension], { dtype: "float64", generator: new Generator(seed) });
      const directions = gaussian.div(gaussian.square().sum(1, true).sqrt()).t();
      const steps = commonSteps(a.shape[0]!, b.shape[0]!);
      const quantiles = (samples: Tensor, rows: Tensor) =>
        samples.cpu().double().matmul(directions).sort(0)[0].indexSelect(0, rows);
      const difference = quantiles(a, steps.rowsOfA).sub(quantiles(b, steps.rowsOfB)).abs();
      return difference.pow(order).mul(steps.widths).sum(0).mean().item() ** (1 / order);
    }),
  );
}

/**
 * The intervals between the steps of both quantile functions: the index of the sorted sample on each, and its width.
 */
function commonSteps(countA: number, countB: number): { rowsOfA: Tensor; rowsOfB: Tensor; widths: Tensor } {
  const rowsOfA: bigint[] = [];
  const rowsOfB: bigint[] = [];
  const widths: number[] = [];
  // Positions are integers in units of 1 / (countA * countB), so rounding cannot change the order of steps.
  const end = countA * countB;
  for (let row = 0, other = 0, position = 0; position < end; ) {
    const next = Math.min((row + 1) * countB, (other + 1) * countA);
    rowsOfA.push(BigInt(row));
    rowsOfB.push(BigInt(other));
    widths.push((next - position) / end);
    if (next === (row + 1) * countB) row++;
    if (next === (other + 1) * countA) other++;
    position = next;
  }
  const length = widths.length;
  return {
    rowsOfA: fromTypedArray(BigInt64Array.from(rowsOfA), [length]),
    rowsOfB: fromTypedArray(BigInt64Array.from(rowsOfB), [length]),
    widths: fromTypedArray(Float64Array.from(widths), [length, 1]),
  };
}
