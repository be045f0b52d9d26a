import { type Convergence, type CostMeasure, curveOf } from "../../compare/convergence.js";
import { median } from "../../compare/statistics.js";
import type { ChartContent, Curve } from "../report/curves.js";
import { FIGURE_NAMES } from "../wording.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { MEASURE_NAMES, mainCost } from "./wording.js";

/** A chart and the name of its files. */
export interface NamedChart extends ChartContent {
  file: string;
}

/** The charts of one kind of student; empty ones are left out. */
export function chartsOfCase(document: ComparisonDocument, part: StudentCase): NamedChart[] {
  const { figure } = document;
  const name = FIGURE_NAMES[figure] ?? figure;
  const teacher = document.teacher[figure];
  const convergence = (measure: CostMeasure): NamedChart => ({
    file: `${figure}-by-${measure}`,
    title: `${name} by ${MEASURE_NAMES[measure]}`,
    xName: MEASURE_NAMES[measure],
    logarithmic: true,
    curves: curvesOf(part, figure, measure),
    ...(teacher === undefined ? {} : { reference: { name: "teacher", value: teacher } }),
  });
  const over = (other: string, title: string, more: Partial<NamedChart> = {}): NamedChart => ({
    file: `${other}-by-iterations`,
    title,
    xName: MEASURE_NAMES.iterations,
    curves: curvesOf(part, other, "iterations"),
    ...more,
  });
  const { measure: first } = mainCost(document);
  const measures = ["iterationsWithPreparation", "seconds", "processorSeconds"] as const;
  const charts = [
    // The page shows the first two at once.
    convergence(first),
    ...measures.filter((measure) => measure !== first).map(convergence),
    convergence("iterations"),
    convergence("images"),
    speedUpChart(part, "iterations"),
    speedUpChart(part, "seconds"),
    over("mismatch", "Mismatch degree towards the current target", { logarithmic: true }),
    over("target", "Target: position on the trajectory (0 is the teacher)"),
    over("modeCoverage", "Fraction of modes covered"),
    over("highQuality", "Fraction of samples near a mode"),
  ];
  return charts.filter((chart) => chart.curves.some((curve) => curve.points.length >= 2));
}

/** Each method's median over its seeds, with the seeds in pale lines behind it. */
function curvesOf(part: StudentCase, figure: string, measure: CostMeasure): Curve[] {
  const seeds: Curve[] = [];
  const medians: Curve[] = [];
  for (const [colour, { method, convergence }] of part.runs.entries()) {
    if (convergence.length > 1) {
      for (const run of convergence) {
        const points = fromTheBeginning([run], figure, curveOf(run, figure, measure));
        seeds.push({ name: `${method}, seed ${run.seed}`, points, colour, faint: true });
      }
    }
    const points = medianCurve(convergence, figure, measure);
    medians.push({ name: method, points: fromTheBeginning(convergence, figure, points), colour });
  }
  const drawn = [...seeds, ...medians].filter((curve) => curve.points.length > 0);
  return figure === "target" ? drawn.map((curve) => ({ ...curve, steps: true })) : drawn;
}

/** While a method records, its student does not change, so the curve begins at cost 0. */
function fromTheBeginning(
  runs: readonly Convergence[],
  figure: string,
  points: [number, number][],
): [number, number][] {
  const isMeasuredAtStart = runs[0]?.points[0]?.figures[figure] !== undefined;
  return isMeasuredAtStart && points[0] && points[0][0] > 0 ? [[0, points[0][1]], ...points] : points;
}

/**
 * The median at each evaluation. The preparation ends when fewer than half of the seeds have points. After it, a run
 * that diverged counts as worst.
 */
function medianCurve(runs: readonly Convergence[], figure: string, measure: CostMeasure): [number, number][] {
  const before = runs.map(({ points }) => points.filter(({ cost }) => cost.iterations === 0));
  const after = runs.map(({ points }) => points.filter(({ cost }) => cost.iterations > 0));
  return [
    ...rowsOf(before).filter((row) => row.filter(Boolean).length > runs.length / 2),
    ...rowsOf(after).map((row) => row.map((point) => point ?? "worst")),
  ].flatMap((row): [number, number][] => {
    const points = row.filter((point) => point !== undefined && point !== "worst");
    const x = median(points.flatMap(({ cost }) => cost[measure]));
    const y = median(
      row.flatMap((point) => (point === "worst" ? Number.POSITIVE_INFINITY : (point?.figures[figure] ?? []))),
    );
    return x !== undefined && y !== undefined && Number.isFinite(y) ? [[x, y]] : [];
  });
}

/** The values of the lists at each index. */
function rowsOf<Item>(lists: readonly (readonly Item[])[]): (Item | undefined)[][] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, index) => lists.map((list) => list[index]));
}

/** Median speed-up at every level that both methods reached in most seeds. */
function speedUpChart(part: StudentCase, measure: CostMeasure): NamedChart {
  const curves = part.methods.map((method, colour): Curve => {
    const points = method.speedUps[measure].flatMap(({ median: middle }, index): [number, number][] => {
      const { name } = part.levels[index]!;
      // If one of the two met the level before its first iteration, there is no ratio to draw.
      const drawable = middle.kind === "measured" && Number.isFinite(middle.ratio) && middle.ratio > 0;
      return typeof name === "number" && drawable ? [[100 * name, middle.ratio]] : [];
    });
    return { name: method.name, points, colour };
  });
  return {
    file: `speed-up-by-${measure}`,
    title: `Median speed-up in ${MEASURE_NAMES[measure]}`,
    xName: "% of the way from start to teacher",
    logarithmic: true,
    curves: curves.filter((_, index) => !part.methods[index]!.isBaseline),
    reference: { name: "baseline", value: 1 },
    inView: [0.45, 2.2],
  };
}
