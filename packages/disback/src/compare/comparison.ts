import { DisbackError } from "../errors.js";
import { COST_MEASURES, type Convergence, type CostMeasure, curveOf } from "./convergence.js";
import { costToReach, levelsBetween } from "./levels.js";
import { type SpeedUpSummary, speedUp, summarizeSpeedUps } from "./speed-up.js";
import { type Spread, spread } from "./statistics.js";

/** A level of the ladder. `figure` differs between seeds, because their starts differ. */
export interface Level {
  /** Fraction of the way from the start to the teacher, or the baseline's best. */
  name: number | "baseline's best";
  figure: Spread;
}

/** A method compared with the baseline. */
export interface MethodComparison {
  name: string;
  isBaseline: boolean;
  /** The figure at the start, at the end and at its best, over the seeds. */
  start: Spread;
  end: Spread;
  best: Spread;
  diverged: number;
  preparation: Record<CostMeasure, Spread>;
  /** Cost of reaching each level, one number per seed, `null` for never. */
  costs: Record<CostMeasure, (number | null)[][]>;
  /** Speed-up over the baseline at each level. */
  speedUps: Record<CostMeasure, SpeedUpSummary[]>;
}

/** All methods from the same start. */
export interface CaseComparison {
  levels: Level[];
  methods: MethodComparison[];
}

/**
 * Compares the convergence of methods that share teacher, start, seeds and evaluation.
 *
 * @param runs the runs of each method, the same seeds in the same order
 * @param figure the figure compared, lower is better
 * @param teacher the teacher's figure
 * @param fractions levels of the ladder between start and teacher
 * @throws DisbackError when a run has no such figure
 */
export function compareMethods(
  runs: ReadonlyMap<string, readonly Convergence[]>,
  options: { figure: string; teacher: number; baseline: string; fractions: readonly number[] },
): CaseComparison {
  const { figure, teacher, baseline, fractions } = options;
  const baselineRuns = runs.get(baseline);
  if (!baselineRuns) throw new DisbackError(`there are no runs of the baseline "${baseline}"`);
  const values = (run: Convergence): number[] => {
    const found = curveOf(run, figure, "iterations").map(([, value]) => value);
    if (found.length === 0) throw new DisbackError(`a run of seed ${run.seed} has no "${figure}"`);
    return found;
  };
  // One ladder per seed, because methods share the start of a seed. A start that is no worse than the teacher has none.
  const rungs = baselineRuns.every((run) => values(run)[0]! > teacher) ? fractions : [];
  const ladders = baselineRuns.map((run) => {
    const found = values(run);
    const between = rungs.length > 0 ? levelsBetween(found[0]!, teacher, rungs) : [];
    return [...between, Math.min(...found)];
  });
  const names: Level["name"][] = [...rungs, "baseline's best"];
  const levels = names.map((name, i) => ({ name, figure: spread(ladders.map((ladder) => ladder[i]!))! }));

  const reach = (run: Convergence, level: number, measure: CostMeasure) => ({
    cost: costToReach(curveOf(run, figure, measure), level),
    // More steps would not help a run that diverged.
    budget: run.diverged ? Number.POSITIVE_INFINITY : run.points.at(-1)!.cost[measure],
  });
  const methods = [...runs].map(([name, own]): MethodComparison => {
    const over = (pick: (run: Convergence) => number) => spread(own.map(pick))!;
    return {
      name,
      isBaseline: name === baseline,
      start: over((run) => values(run)[0]!),
      end: over((run) => (run.diverged ? Number.POSITIVE_INFINITY : values(run).at(-1)!)),
      best: over((run) => Math.min(...values(run))),
      diverged: own.filter((run) => run.diverged).length,
      preparation: byMeasure((measure) => over((run) => run.preparation[measure])),
      costs: byMeasure((measure) =>
        names.map((_, level) =>
          own.map((run, seed) => reach(run, ladders[seed]![level]!, measure).cost ?? null),
        ),
      ),
      speedUps: byMeasure((measure) =>
        names.map((_, level) =>
          summarizeSpeedUps(
            own.map((run, seed) => {
              const figureThere = ladders[seed]![level]!;
              return speedUp(
                reach(baselineRuns[seed]!, figureThere, measure),
                reach(run, figureThere, measure),
              );
            }),
          ),
        ),
      ),
    };
  });
  return { levels, methods };
}

function byMeasure<Value>(value: (measure: CostMeasure) => Value): Record<CostMeasure, Value> {
  return Object.fromEntries(COST_MEASURES.map((measure) => [measure, value(measure)])) as Record<
    CostMeasure,
    Value
  >;
}
