import { chooseBest, convergenceScore } from "../../compare/best-rates.js";
import { withCosts } from "../../compare/convergence.js";
import { measure } from "./child-run.js";
import type { MethodRuns } from "./document.js";
import type { ChildRun, LearningRates } from "./plan.js";

/** The best learning rates of a method for one kind of student, and the scores of the others. */
export type Sweep = (
  student: string,
  method: string,
) => Required<Pick<MethodRuns, "rates" | "sweep" | "atEdge">>;

/**
 * Scores every candidate on the seeds of the sweep.
 *
 * @param runs the completed runs of the sweep
 * @param figure by which they are scored
 */
export function chooseRates(
  out: string,
  runs: readonly ChildRun[],
  candidates: readonly LearningRates[],
  figure: string,
): Sweep {
  return (student, method) => {
    const own = runs.filter((run) => run.student === student && run.method === method);
    const { iterations, processorSeconds } = own[0]!.settings.backtracking;
    const scores = withCosts(own.map((run) => measure(out, run))).map((run) =>
      processorSeconds === undefined
        ? convergenceScore(run, figure, iterations)
        : convergenceScore(run, figure, processorSeconds, "processorSeconds"),
    );
    const choice = chooseBest(
      candidates.map((rates) => ({
        rates,
        scores: scores.filter((_, index) => sameRates(own[index]!.rates, rates)),
      })),
    )!;
    return { rates: choice.chosen, sweep: choice.candidates, atEdge: isAtEdge(choice.chosen, candidates) };
  };
}

function sameRates(a: LearningRates, b: LearningRates): boolean {
  return (
    a.studentLearningRate === b.studentLearningRate && a.auxiliaryLearningRate === b.auxiliaryLearningRate
  );
}

/** Whether better rates may lie beyond those tried. */
function isAtEdge(chosen: LearningRates, candidates: readonly LearningRates[]): boolean {
  const tried = candidates.map((rates) => rates.studentLearningRate);
  return [Math.min(...tried), Math.max(...tried)].includes(chosen.studentLearningRate);
}
