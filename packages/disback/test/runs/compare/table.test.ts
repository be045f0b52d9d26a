import { expect, it } from "vitest";
import { table } from "../../../src/cli/table.js";
import type { ComparisonDocument, StudentCase } from "../../../src/runs/compare/document.js";
import { tableNote, tableOfCase } from "../../../src/runs/compare/table.js";

const measured = (ratio: number) => ({ kind: "measured" as const, ratio });
const summary = (ratio: number) => ({
  ...{ median: measured(ratio), lowest: measured(ratio / 2), highest: measured(ratio * 2) },
  ...{
    seeds: [measured(ratio / 2), measured(ratio), measured(ratio * 2)],
    reached: { method: 3, baseline: 3 },
  },
});
const levels = [0.25, 0.5, 0.75, 0.9, "baseline's best"].map((name) => ({ name }));
const method = (name: string, isBaseline: boolean) => ({
  ...{ name, isBaseline, end: { median: 0.116, lowest: 0.111, highest: 0.12 } },
  costs: {
    iterationsWithPreparation: levels.map(() => [120, null, 140]),
    processorSeconds: levels.map(() => [3, 4, 5]),
  },
  speedUps: {
    iterationsWithPreparation: levels.map(() => summary(1.52)),
    processorSeconds: levels.map(() => summary(0.9)),
  },
});
const part = {
  ...{ student: "untrained", levels },
  methods: [method("diff-instruct", true), method("disback-paper", false)],
  runs: ["diff-instruct", "disback-paper"].map((name) => ({
    method: name,
    rates: { studentLearningRate: 1e-4, auxiliaryLearningRate: 2e-4 },
    atEdge: false,
  })),
} as unknown as StudentCase;

it("one row for each method: medians, in a line of a terminal", () => {
  const document = { settings: { protocol: "paper", common: {} } } as unknown as ComparisonDocument;
  const rows = tableOfCase(document, part);
  expect(rows).toEqual([
    ["", "at end", "25%", "50%", "75%", "90%", "baseline's best"],
    ["diff-instruct", "0.116 (0.111 to 0.12)", "140", "140", "140", "140", "140"],
    ["disback-paper", "0.116 (0.111 to 0.12)", "1.52×", "1.52×", "1.52×", "1.52×", "1.52×"],
  ]);
  expect(
    Math.max(
      ...table(rows)
        .split("\n")
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(90);
});

it("processor seconds where every run has as many", () => {
  const common = { backtracking: { processorSeconds: 4 } };
  const document = { settings: { protocol: "paper", common } } as unknown as ComparisonDocument;
  const [, baseline, other] = tableOfCase(document, part);
  expect([baseline!.at(-1), other!.at(-1)]).toEqual(["4", "0.90×"]);
  expect(tableNote(document)).toContain("the baseline's processor seconds");
});
