import { fromTypedArray, ops, scope } from "@disback/torch";
import { DisbackError } from "../../errors.js";

/** An average of weights over training, by a power function of time (Karras et al. 2024, section 3.1). */
export interface EmaProfile {
  /** time at which it was taken, in training images or any other unit, > 0 */
  time: number;
  /** width of the average's peak over `time` (sigma_rel), between 0 and 0.288 */
  deviation: number;
}

/** sigma_rel of a uniform average over all of training. */
const widest = Math.sqrt(1 / 12);

/**
 * The exponent gamma of a profile: its weights grow as t^gamma. The root of
 * (gamma + 1) / ((gamma + 2)^2 (gamma + 3)) = sigma_rel^2 (Karras et al. 2024, eq. 123 and 126).
 * @throws DisbackError if there is none above 0
 */
export function emaExponent(deviation: number): number {
  if (!(deviation > 0 && deviation < widest)) {
    throw new DisbackError(`deviation: ${deviation} must be between 0 and ${widest.toFixed(3)}`);
  }
  const variance = (gamma: number) => (gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3));
  // Falls from 1/12 at 0; below 1 / gamma^2 everywhere.
  let [low, high] = [0, 1 / deviation];
  for (let round = 0; round < 200 && low < high; round++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (variance(middle) > deviation ** 2) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The overlap of two profiles: the integral of their product (eq. 151). */
function correlation(a: EmaProfile, b: EmaProfile): number {
  const [gammaA, gammaB] = [emaExponent(a.deviation), emaExponent(b.deviation)];
  const ratio = (a.time / b.time) ** (a.time < b.time ? gammaB : -gammaA);
  return ((gammaA + 1) * (gammaB + 1) * ratio) / ((gammaA + gammaB + 1) * Math.max(a.time, b.time));
}

/**
 * The factors by which stored averages are summed to give an average that was not tracked: the least-squares fit of its
 * profile by theirs (Karras et al. 2024, algorithm 3).
 * @param stored snapshots; profiles must differ from each other
 * @param wanted its time should be that of a snapshot, and no snapshot may be later
 * @returns one factor per snapshot; they sum to 1
 * @throws DisbackError if the profiles do not determine the factors
 */
export function postHocCoefficients(stored: readonly EmaProfile[], wanted: EmaProfile): number[] {
  const count = stored.length;
  if (count === 0) throw new DisbackError("snapshots: none given");
  const solution = scope(() => {
    const gram = Float64Array.from(stored.flatMap((a) => stored.map((b) => correlation(a, b))));
    const target = Float64Array.from(stored, (one) => correlation(one, wanted));
    const matrix = fromTypedArray(gram, [count, count]);
    return ops
      .linalg_solve(matrix, fromTypedArray(target, [count, 1]))
      .flatten()
      .toArray() as number[];
  });
  const sum = solution.reduce((total, factor) => total + factor, 0);
  if (!Number.isFinite(sum))
    throw new DisbackError("snapshots: two of them have the same time and deviation");
  return solution.map((factor) => factor / sum);
}
