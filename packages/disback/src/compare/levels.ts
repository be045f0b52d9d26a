import { DisbackError } from "../errors.js";

/**
 * The ladder of levels between the start's figure and the teacher's, evenly in the logarithm: half of the way from an
 * FID of 300 to one of 3 is 30.
 *
 * @param fractions of the way, each in (0, 1]; 1 is the teacher's own figure
 * @returns the levels in the order of the fractions
 * @throws DisbackError if the student starts no worse than the teacher
 */
export function levelsBetween(start: number, teacher: number, fractions: readonly number[]): number[] {
  if (!(start > teacher && teacher > 0)) {
    throw new DisbackError(
      `the student starts at ${start} and the teacher is at ${teacher}: there are no levels between them`,
    );
  }
  const [from, to] = [Math.log(start), Math.log(teacher)];
  return fractions.map((fraction) => Math.exp(from + fraction * (to - from)));
}

/**
 * The cost of reaching a level (lower is better) for the first time.
 *
 * The logarithm of the figure is interpolated between the last evaluation above the level and the first at or below it.
 * A level that the student meets at the start costs nothing, even if a trajectory was recorded before.
 *
 * @param points cost and figure, costs ascending
 * @returns `undefined` when the level is never reached
 */
export function costToReach(
  points: readonly (readonly [number, number])[],
  level: number,
): number | undefined {
  const index = points.findIndex(([, figure]) => figure <= level);
  if (index < 0) return undefined;
  if (index === 0) return 0;
  const [costBefore, before] = points[index - 1]!;
  const [cost, figure] = points[index]!;
  // A figure or a level of zero has no logarithm.
  const scale = figure > 0 && level > 0 ? Math.log : (value: number) => value;
  const fraction = (scale(before) - scale(level)) / (scale(before) - scale(figure));
  return costBefore + fraction * (cost - costBefore);
}
