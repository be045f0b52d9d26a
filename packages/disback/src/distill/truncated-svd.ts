import { ops, type Tensor } from "@disback/torch";

/** How exactly a matrix is approximated. */
export interface TruncationOptions {
  /** smallest fraction of the matrix's squared norm that the factors keep, in (0, 1] */
  energy: number;
  /** largest rank; takes precedence over `energy` */
  maximumRank?: number | undefined;
}

/**
 * The nearest matrix of low rank, as two factors (Eckart and Young 1936): `left right` with
 * `left = U_r sqrt(S_r)`, `right = sqrt(S_r) V_r^T`.
 *
 * @param matrix `[rows, columns]`
 * @returns `[rows, r]` and `[r, columns]`, or undefined if they would be no smaller than the matrix
 */
export function truncatedSvd(
  matrix: Tensor,
  { energy, maximumRank = Number.POSITIVE_INFINITY }: TruncationOptions,
): { left: Tensor; right: Tensor } | undefined {
  const [rows, columns] = matrix.shape as [number, number];
  const [u, s, v] = ops.linalg_svd(matrix, false);
  const kept = s.double().square().cumsum(0);
  const wanted = kept.lt(kept.at(-1).mul(energy)).sum().item() + 1;
  const rank = Math.min(wanted, maximumRank, s.shape[0]!);
  if (rank * (rows + columns) >= rows * columns) return undefined;
  const root = s.narrow(0, 0, rank).sqrt();
  return { left: u.narrow(1, 0, rank).mul(root), right: v.narrow(0, 0, rank).mul(root.unsqueeze(1)) };
}
