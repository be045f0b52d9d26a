import { inferenceMode, ops, scope, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../errors.js";

/** Result of {@link precisionRecall}, both from 0 to 1. */
export interface PrecisionRecall {
  /** Fraction of generated samples that lie within the real samples' manifold: fidelity. */
  precision: number;
  /** Fraction of real samples that lie within the generated samples' manifold: diversity. */
  recall: number;
}

/** Rows of a distance table held at once: bounds memory to this times the number of samples. */
const rowsPerBlock = 512;

/**
 * Improved precision and recall (Kynkaanniemi et al. 2019). A manifold is the union of balls around the samples, each
 * reaching to its k-th nearest neighbour in the same set (itself not counted).
 * @param real features `[N, F]`
 * @param fake features `[M, F]`
 * @param k neighbours, 3 as published
 */
export function precisionRecall(real: Tensor, fake: Tensor, k = 3): PrecisionRecall {
  if (real.shape[1] !== fake.shape[1]) {
    throw new DisbackError(
      `Precision/recall between ${real.shape[1]} and ${fake.shape[1]} features: different extractors`,
    );
  }
  if (Math.min(real.shape[0]!, fake.shape[0]!) <= k) {
    throw new DisbackError(`Precision/recall with k = ${k} needs more than ${k} samples of each kind`);
  }
  return inferenceMode(() =>
    scope(() => {
      const realPoints = real.double();
      const fakePoints = fake.double();
      return {
        precision: coverage(fakePoints, realPoints, k),
        recall: coverage(realPoints, fakePoints, k),
      };
    }),
  );
}

/** Fraction of `points` inside at least one ball of `manifold`. */
function coverage(points: Tensor, manifold: Tensor, k: number): number {
  const radii = neighbourRadii(manifold, k);
  let inside = 0;
  forEachBlock(points, (block) => {
    const covered = ops.any_dim(squaredDistances(block, manifold).le(radii), 1);
    inside += covered.sum().item();
  });
  return inside / points.shape[0]!;
}

/** Squared distance of each point to its k-th nearest neighbour, `[N]`. */
function neighbourRadii(points: Tensor, k: number): Tensor {
  const radii = zeros([points.shape[0]!], { dtype: "float64", device: points.device });
  forEachBlock(points, (block, start) => {
    // The nearest "neighbour" is the point itself, hence k + 1.
    const [kth] = ops.kthvalue(squaredDistances(block, points), k + 1, 1);
    radii.narrow(0, start, block.shape[0]!).copy_(kth);
  });
  return radii;
}

/** cdist's compute mode 1: `a^2 - 2ab + b^2` by a matrix product, precise enough in float64 and far faster. */
const viaMatrixProduct = 1;

function squaredDistances(a: Tensor, b: Tensor): Tensor {
  return ops.cdist(a, b, 2, viaMatrixProduct).square();
}

function forEachBlock(points: Tensor, visit: (block: Tensor, start: number) => void): void {
  const count = points.shape[0]!;
  for (let start = 0; start < count; start += rowsPerBlock) {
    scope(() => visit(points.narrow(0, start, Math.min(rowsPerBlock, count - start)), start));
  }
}
