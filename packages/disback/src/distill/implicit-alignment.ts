import { type Module, noGrad } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { normalizeWeights } from "../models/normalized.js";

/**
 * Implicit distribution alignment (IDA; Ge et al. 2025, SenseFlow, eq. 9): after each step of the student `theta`, the
 * auxiliary model's weights move towards the student's, so that it follows a student that runs ahead:
 *
 *     phi <- decay phi + (1 - decay) theta,   decay 0.97 in the paper.
 *
 * The optimizer's moments stay.
 *
 * @param decay in (0, 1); `undefined` for none
 * @returns what to call after each step; `undefined` for none
 * @throws DisbackError if the decay is out of its range, or the two networks are not of one architecture
 */
export function implicitAlignment(
  decay: number | undefined,
  student: Module,
  auxiliary: Module | undefined,
): (() => void) | undefined {
  if (decay === undefined) return undefined;
  if (!(decay > 0 && decay < 1))
    throw new DisbackError(`backtracking: "idaDecay" must be between 0 and 1, not ${decay}`);
  if (!auxiliary)
    throw new DisbackError('backtracking: "idaDecay" needs an objective with an auxiliary model');
  const theirs = new Map(student.namedParameters());
  const pairs = auxiliary.namedParameters().map(([name, own]) => {
    const towards = theirs.get(name);
    if (
      !towards ||
      towards.shape.join() !== own.shape.join() ||
      theirs.size !== auxiliary.parameters().length
    )
      throw new DisbackError(
        `backtracking: "idaDecay" needs a student of the auxiliary model's architecture; "${name}" differs`,
      );
    return [own, towards] as const;
  });
  return () => {
    noGrad(() => {
      for (const [own, towards] of pairs) own.lerp_(towards, 1 - decay);
    });
    normalizeWeights(auxiliary);
  };
}
