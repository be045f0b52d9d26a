import { median } from "./statistics.js";

/**
 * What convergence is measured against:
 * - `iterations`: student steps alone, as papers count;
 * - `iterationsWithRecording`: the recording added, as the number of student steps that take as long;
 * - `images`: samples seen by the trained networks, those of the recording included;
 * - `seconds`: wall-clock seconds of all steps, those of the recording included, evaluations and saving not.
 */
export const COST_MEASURES = ["iterations", "iterationsWithRecording", "images", "seconds"] as const;
export type CostMeasure = (typeof COST_MEASURES)[number];
export type Cost = Record<CostMeasure, number>;

/** What a run's log says, one training of one seed. */
export interface MeasuredRun {
  seed: number;
  /** The training ended early because a figure was no longer finite. */
  diverged: boolean;
  /** What stage 1 took; absent for methods without one. */
  recording?: { steps: number; images: number; seconds: number };
  /** Evaluations of the student, iteration 0 first; costs are those of stage 2 alone. */
  evaluations: { iteration: number; images: number; seconds: number; figures: Record<string, number> }[];
}

/** A student at one evaluation: what had been spent and how good it was. */
export interface ConvergencePoint {
  cost: Cost;
  figures: Readonly<Record<string, number>>;
}

/** The convergence of one run. */
export interface Convergence {
  seed: number;
  diverged: boolean;
  /** Cost of stage 1, in every measure; `iterations` is 0 by definition. */
  recording: Cost & { steps: number };
  points: ConvergencePoint[];
}

/**
 * Adds the recording to the costs of every evaluation.
 *
 * A recording step is cheaper than a student step. How much is measured, as the median over the given runs (those of
 * one method), because the load of the machine disturbs the times of a single one.
 */
export function withCosts(runs: readonly MeasuredRun[]): Convergence[] {
  const relativeCost = median(runs.flatMap(relativeCostOfRecording)) ?? 1;
  return runs.map(({ seed, diverged, recording, evaluations }) => {
    const { steps = 0, images = 0, seconds = 0 } = recording ?? {};
    const before = { iterations: 0, iterationsWithRecording: steps * relativeCost, images, seconds };
    return {
      seed,
      diverged,
      recording: { ...before, steps },
      points: evaluations.map((evaluation) => ({
        cost: {
          iterations: evaluation.iteration,
          iterationsWithRecording: before.iterationsWithRecording + evaluation.iteration,
          images: before.images + evaluation.images,
          seconds: before.seconds + evaluation.seconds,
        },
        figures: evaluation.figures,
      })),
    };
  });
}

/** Seconds of a recording step in units of a student step's; none where there was no recording or no student step. */
function relativeCostOfRecording({ recording, evaluations }: MeasuredRun): number[] {
  const last = evaluations.at(-1);
  if (!recording || !last || recording.steps === 0 || last.iteration === 0 || last.seconds === 0) return [];
  return [recording.seconds / recording.steps / (last.seconds / last.iteration)];
}

/** A figure of a run over a cost. Evaluations without that figure, or where it is not finite, are left out. */
export function curveOf(run: Convergence, figure: string, measure: CostMeasure): [number, number][] {
  return run.points.flatMap(({ cost, figures }): [number, number][] => {
    const value = figures[figure];
    return value !== undefined && Number.isFinite(value) ? [[cost[measure], value]] : [];
  });
}
