import { expect, it } from "vitest";
import { compareMethods } from "../../../src/compare/comparison.js";
import { withCosts } from "../../../src/compare/convergence.js";
import type { ComparisonDocument, StudentCase } from "../../../src/runs/compare/document.js";
import { verdictOf } from "../../../src/runs/compare/verdict.js";

/** The runs of a method: FIDs at iterations 0, 10, 20, … for each seed. */
const runsOf = (...seeds: number[][]) =>
  withCosts(
    seeds.map((figures, seed) => ({
      seed,
      diverged: false,
      evaluations: figures.map((fid, index) => ({
        iteration: 10 * index,
        images: 100 * index,
        seconds: index,
        processorSeconds: index,
        figures: { fid },
      })),
    })),
  );
const verdict = (methods: Record<string, number[][]>, common: object = {}) => {
  const runs = new Map(Object.entries(methods).map(([name, seeds]) => [name, runsOf(...seeds)]));
  const compared = compareMethods(runs, { figure: "fid", teacher: 5, baseline: "plain", fractions: [0.5] });
  const part: StudentCase = { student: "small", models: {}, runs: [], ...compared };
  return verdictOf({ figure: "fid", settings: { common } } as unknown as ComparisonDocument, part);
};

it("says who gets there sooner, and in how many seeds", () => {
  const plain = [
    [100, 80, 60, 40, 20],
    [100, 80, 60, 40, 20],
    [100, 80, 60, 40, 20],
  ];
  const twice = [100, 50, 20, 15, 12];
  expect(verdict({ plain, auto: [twice, twice, twice] })).toBe(
    "auto reaches plain's best FID in half the steps, in all 3 seeds; it ends at 12, plain at 20.",
  );
  expect(verdict({ plain, auto: [twice, twice, [100, 90, 80, 70, 60]] })).toBe(
    "auto reaches plain's best FID in half the steps, in 2 of 3 seeds; it ends at 12, plain at 20.",
  );
  expect(verdict({ plain, auto: [[100, 60, 40, 20, 18]], other: [twice] })).toMatch(
    /^Of all methods other reaches plain's best FID in half the steps, with the one seed measured/,
  );
});

it("says so when nobody is faster", () => {
  const plain = [[100, 50, 20, 20, 20]];
  expect(verdict({ plain, auto: [[100, 80, 60, 40, 20]] })).toBe(
    "No method is faster than plain: auto reaches its best FID in twice the steps; it ends at 20, plain at 20.",
  );
  expect(verdict({ plain, auto: plain })).toBe(
    "auto reaches plain's best FID in as many steps; it ends at 20, plain at 20.",
  );
  expect(verdict({ plain, auto: [[100, 90, 85, 80, 70]], other: [[100, 90, 85, 80, 60]] })).toBe(
    "No method reaches plain's best FID within its steps; other comes nearest: it ends at 60, plain at 20.",
  );
  expect(verdict({ plain })).toBe("");
});

it("counts processor time where every run has as much", () => {
  const methods = { plain: [[100, 80, 60, 40, 20]], auto: [[100, 50, 20, 15, 12]] };
  expect(verdict(methods, { backtracking: { processorSeconds: 4 } })).toMatch(
    /^auto reaches plain's best FID in half the processor time,/,
  );
});
