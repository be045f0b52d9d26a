import { expect, it } from "vitest";
import { compareMethods } from "../../../src/compare/comparison.js";
import { type Convergence, type MeasuredRun, withCosts } from "../../../src/compare/convergence.js";
import { chartsOfCase } from "../../../src/runs/compare/charts.js";
import {
  COMPARISON_FORMAT,
  type ComparisonDocument,
  type MethodRuns,
  type StudentCase,
} from "../../../src/runs/compare/document.js";
import { chartHeight, chartSvg } from "../../../src/runs/report/chart-svg.js";
import { compareSchema } from "../../../src/runs/settings/compare.js";

const run = (figures: number[], more: Partial<MeasuredRun> = {}): MeasuredRun => ({
  seed: 1,
  diverged: false,
  evaluations: figures.map((fid, index) => ({
    iteration: 10 * index,
    images: 100 * index,
    seconds: index,
    processorSeconds: index,
    figures: { fid },
  })),
  ...more,
});

const document: ComparisonDocument = {
  ...{ format: COMPARISON_FORMAT, settings: compareSchema.parse({ teacher: "t" }), figure: "fid" },
  ...{ teacher: { fid: 10 }, measuredWith: "by hand", versions: {}, machine: {}, cases: [] },
};
/** The reported runs of a method. */
const runsOf = (method: string, convergence: readonly Convergence[]): MethodRuns => ({
  method,
  rates: { studentLearningRate: 1, auxiliaryLearningRate: 2 },
  convergence: convergence.map((one) => ({ ...one, folder: "runs" })),
});

it("levels met before the first iteration have no ratio to draw", () => {
  const early = [400, 20].map((fid, seconds) => ({
    images: 0,
    seconds,
    processorSeconds: seconds,
    figures: { fid },
  }));
  const preparation = { steps: 10, images: 100, seconds: 1, processorSeconds: 1, evaluations: early };
  const runs = new Map([
    ["plain", withCosts([run([400, 200, 100, 50, 15])])],
    ["prepared", withCosts([run([20, 18, 14, 12, 11], { preparation })])],
  ]);
  const compared = compareMethods(runs, {
    figure: "fid",
    teacher: 10,
    baseline: "plain",
    fractions: [0.25, 0.5, 0.9],
  });
  const ratios = compared.methods[1]!.speedUps.iterations.map(({ median }) => median);
  expect(ratios).toContainEqual({ kind: "measured", ratio: Number.POSITIVE_INFINITY });

  const part: StudentCase = {
    student: "small",
    models: { teacherBytes: 1 },
    runs: [...runs].map(([method, convergence]) => runsOf(method, convergence)),
    ...compared,
  };
  const charts = chartsOfCase(document, part);
  expect(charts.map(({ file }) => file)).toContain("fid-by-iterations");
  for (const chart of charts) {
    const values = chart.curves.flatMap(({ points }) => points.map(([, value]) => value));
    expect(values.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
    expect(chartSvg(chart)).toContain("<svg");
  }
});

it("a median is of the same iterations, however long each seed prepared", () => {
  const prepared = (seed: number, length: number, last: number): MeasuredRun => {
    const evaluations = Array.from({ length }, (_, index) => ({
      ...{ images: 0, seconds: index, processorSeconds: index, figures: { fid: 400 - index } },
    }));
    const preparation = { steps: length, images: 0, seconds: length, processorSeconds: length, evaluations };
    return run([300, 200, last], { seed, preparation });
  };
  const convergence = withCosts([prepared(1, 2, 90), prepared(2, 4, 100), prepared(3, 3, 170)]);
  const part: StudentCase = {
    ...{ student: "small", models: {}, methods: [], levels: [] },
    runs: [runsOf("prepared", convergence)],
  };
  const [chart] = chartsOfCase(document, part);
  expect(chart!.reference).toEqual({ name: "teacher", value: 10 });
  const { points } = chart!.curves.find(({ name }) => name === "prepared")!;
  expect(points.slice(-2).map(([, fid]) => fid)).toEqual([200, 100]);
});

it("names of many methods stand below the plot, each with a look of its own", () => {
  const names = Array.from({ length: 16 }, (_, index) => `method-with-a-long-name-${index}`);
  const points: [number, number][] = [
    [0, 1],
    [1, 2],
  ];
  const few = { title: "few", xName: "x", curves: names.slice(0, 3).map((name) => ({ name, points })) };
  const many = { title: "many", xName: "x", curves: names.map((name) => ({ name, points })) };
  const [lower, higher] = [chartHeight(few), chartHeight(many)];
  expect(higher).toBeGreaterThan(lower);
  const svg = chartSvg(many);
  for (const name of names) {
    const [, left, top] = svg.match(new RegExp(`translate\\(([\\d.]+) ([\\d.]+)\\)"[^>]*>${name}<`)) ?? [];
    expect(Number(left)).toBeLessThan(560 - 6 * name.length);
    expect(Number(top)).toBeGreaterThan(lower);
    expect(Number(top)).toBeLessThan(higher);
  }
  const looks = [
    ...svg.matchAll(/<path d="M[^"]*L[^"]*" fill="none" stroke="([^"]*)" stroke-width="2"([^>]*)/g),
  ];
  expect(new Set(looks.map(([, colour, rest]) => `${colour} ${rest}`)).size).toBeGreaterThanOrEqual(16);
});
