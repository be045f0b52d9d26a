import { median } from "./statistics.js";

/**
 * The costs that convergence is measured against:
 * - `iterations`: student steps alone, as in papers;
 * - `iterationsWithPreparation`: also the preparation (imitation and recording), as the number of student steps that
 *   take as long;
 * - `images`: samples seen by the trained networks, including the preparation;
 * - `seconds`: wall-clock seconds of all steps, including the preparation, without evaluations and saving;
 * - `processorSeconds`: the same in processor time of all threads, which other work on the machine hardly affects.
 */
export const COST_MEASURES = [
  "iterations",
  "iterationsWithPreparation",
  "images",
  "seconds",
  "processorSeconds",
] as const;
export type CostMeasure = (typeof COST_MEASURES)[number];
export type Cost = Record<CostMeasure, number>;

/** The log of a run: one training with one seed. */
export interface MeasuredRun {
  seed: number;
  /** The training ended early because a figure was no longer finite. */
  diverged: boolean;
  /** Cost of the stages before the distillation (imitation, recording); absent for methods without them. */
  preparation?: {
    steps: number;
    images: number;
    seconds: number;
    processorSeconds: number;
    /** Evaluations of the student during the preparation. */
    evaluations?: Omit<MeasuredEvaluation, "iteration">[];
  };
  /** Evaluations of the student, iteration 0 first, with costs of the distillation alone. */
  evaluations: MeasuredEvaluation[];
}

/** An evaluation, and the cost of its stage so far. */
export interface MeasuredEvaluation {
  iteration: number;
  images: number;
  seconds: number;
  processorSeconds: number;
  figures: Record<string, number>;
}

/** A student at one evaluation: cost so far and figures. */
export interface ConvergencePoint {
  cost: Cost;
  figures: Readonly<Record<string, number>>;
}

/** The convergence of one run. */
export interface Convergence {
  seed: number;
  diverged: boolean;
  /** Cost of the stages before, in every measure; `iterations` is 0 by definition. */
  preparation: Cost & { steps: number };
  points: ConvergencePoint[];
}

/**
 * Adds the preparation to the costs of every evaluation.
 *
 * A preparation step is cheaper than a student step. The ratio is measured in processor time, as the median over the
 * given runs (of one method), because machine load disturbs the times of a single run.
 */
export function withCosts(runs: readonly MeasuredRun[]): Convergence[] {
  const relativeCost = median(runs.flatMap(relativeCostOfPreparation)) ?? 1;
  return runs.map(({ seed, diverged, preparation, evaluations }) => {
    const { steps = 0, images = 0, seconds = 0, processorSeconds = 0 } = preparation ?? {};
    const before = {
      iterations: 0,
      iterationsWithPreparation: steps * relativeCost,
      ...{ images, seconds, processorSeconds },
    };
    const early = (preparation?.evaluations ?? []).map((evaluation) => ({
      cost: {
        iterations: 0,
        iterationsWithPreparation:
          processorSeconds > 0
            ? (evaluation.processorSeconds / processorSeconds) * before.iterationsWithPreparation
            : 0,
        images: evaluation.images,
        seconds: evaluation.seconds,
        processorSeconds: evaluation.processorSeconds,
      },
      figures: evaluation.figures,
    }));
    const late = evaluations.map((evaluation) => ({
      cost: {
        iterations: evaluation.iteration,
        iterationsWithPreparation: before.iterationsWithPreparation + evaluation.iteration,
        images: before.images + evaluation.images,
        seconds: before.seconds + evaluation.seconds,
        processorSeconds: before.processorSeconds + evaluation.processorSeconds,
      },
      figures: evaluation.figures,
    }));
    return { seed, diverged, preparation: { ...before, steps }, points: [...early, ...late] };
  });
}

/** Processor time of a preparation step over that of a student step; undefined without preparation or student steps. */
function relativeCostOfPreparation({ preparation, evaluations }: MeasuredRun): number[] {
  const last = evaluations.at(-1);
  if (!preparation || !last || preparation.steps === 0 || last.iteration === 0 || last.processorSeconds === 0)
    return [];
  return [preparation.processorSeconds / preparation.steps / (last.processorSeconds / last.iteration)];
}

/** A figure of a run over a cost. Evaluations where it is missing or not finite are left out. */
export function curveOf(run: Convergence, figure: string, measure: CostMeasure): [number, number][] {
  return run.points.flatMap(({ cost, figures }): [number, number][] => {
    const value = figures[figure];
    return value !== undefined && Number.isFinite(value) ? [[cost[measure], value]] : [];
  });
}
