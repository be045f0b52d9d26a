import { Generator, inferenceMode, ops, randperm, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Estimate, estimate } from "./estimate.js";

/** Options of {@link kid}. */
export interface KernelDistanceOptions {
  /** Number of random subsets (default 100). */
  subsets?: number;
  /** Samples per subset (default 1000, at most what both sets have). */
  subsetSize?: number;
  /** Seed of the subsets (default 0): `randperm` of the first set, then of the second, per subset. */
  seed?: number;
}

/**
 * Kernel Inception Distance (Binkowski et al. 2018): the unbiased squared maximum mean discrepancy with the kernel
 * `k(x, y) = (x.y / F + 1)^3`, averaged over random subsets. It is unbiased, so it may be slightly negative. Unlike
 * that of the Frechet distance, its expectation does not depend on the number of samples.
 * @param a features `[N, F]`
 * @param b features `[M, F]`
 */
export function kid(a: Tensor, b: Tensor, options: KernelDistanceOptions = {}): Estimate {
  const { subsets = 100, subsetSize = 1000, seed = 0 } = options;
  const size = Math.min(subsetSize, a.shape[0]!, b.shape[0]!);
  if (a.shape[1] !== b.shape[1]) {
    throw new DisbackError(`KID between ${a.shape[1]} and ${b.shape[1]} features: different extractors`);
  }
  if (size < 2) throw new DisbackError("KID needs at least 2 samples of each kind");
  const generator = new Generator(seed);
  const values: number[] = [];
  for (let subset = 0; subset < subsets; subset++) {
    values.push(
      inferenceMode(() => scope(() => discrepancy(pick(a, size, generator), pick(b, size, generator)))),
    );
  }
  return estimate(values);
}

function pick(features: Tensor, size: number, generator: Generator): Tensor {
  const order = randperm(features.shape[0]!, { generator });
  return features.indexSelect(0, order.narrow(0, 0, size)).double();
}

/** Unbiased squared MMD of two sets of the same size; pairs of a sample with itself are left out. */
function discrepancy(a: Tensor, b: Tensor): number {
  const [size, width] = a.shape as [number, number];
  const kernel = (x: Tensor, y: Tensor) => x.matmul(y.t()).div(width).add(1).pow(3);
  const offDiagonal = (matrix: Tensor) => matrix.sum().item() - ops.trace(matrix).item();
  const within = (offDiagonal(kernel(a, a)) + offDiagonal(kernel(b, b))) / (size * (size - 1));
  return within - 2 * kernel(a, b).mean().item();
}
