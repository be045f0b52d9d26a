import { inferenceMode, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Statistics } from "./statistics.js";

/**
 * Frechet distance between two Gaussians (Heusel et al. 2017, eq. 6; "FID" in Inception's feature space):
 * `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, in float64.
 *
 * `S1 S2` is not symmetric, but has the eigenvalues of `S1^(1/2) S2 S1^(1/2)`, which is symmetric and positive: so the
 * trace of the root is the sum of the roots of those eigenvalues. Unlike an iterative matrix root, this also works if a
 * covariance is singular (fewer samples than features).
 */
export function frechetDistance(a: Statistics, b: Statistics): number {
  if (a.mean.numel !== b.mean.numel) {
    throw new DisbackError(
      `Frechet distance between ${a.mean.numel} and ${b.mean.numel} features: the statistics come from different extractors`,
    );
  }
  return inferenceMode(() =>
    scope(() => {
      const meanTerm = a.mean.sub(b.mean).square().sum().item();
      const rootA = symmetricRoot(a.covariance);
      const product = rootA.matmul(b.covariance).matmul(rootA);
      const eigenvalues = ops.linalg_eigvalsh(symmetrized(product));
      const rootTrace = eigenvalues.clamp(0).sqrt().sum().item();
      const traces = ops.trace(a.covariance).item() + ops.trace(b.covariance).item();
      return Math.max(0, meanTerm + traces - 2 * rootTrace);
    }),
  );
}

/** Root of a symmetric positive matrix; eigenvalues that rounding made negative count as 0. */
function symmetricRoot(matrix: Tensor): Tensor {
  const [values, vectors] = ops.linalg_eigh(symmetrized(matrix));
  return vectors.mul(values.clamp(0).sqrt()).matmul(vectors.t());
}

function symmetrized(matrix: Tensor): Tensor {
  return matrix.add(matrix.t()).mul(0.5);
}
