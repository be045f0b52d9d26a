import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeDiagnosis, diagnose } from "../../src/runs/diagnosis.js";
import type { MetricsEntry } from "../../src/runs/metrics-log.js";

interface Run {
  name: string;
  teacherSpread: number;
  entries: MetricsEntry[];
}

/** Short runs on the ring, from fixtures/diagnosis/make-curves.mjs, named by what is wrong with them. */
const runs = JSON.parse(
  readFileSync(new URL("../fixtures/diagnosis/curves.json", import.meta.url), "utf8"),
) as Run[];

/** A log of five evaluations with the given figures, one value each or one for all. */
function log(figures: Record<string, number | number[]>): MetricsEntry[] {
  return [1, 2, 3, 4, 5].map((place, index) => ({
    ...{ stage: "backtrack" as const, iteration: 10 * place, images: 0, seconds: place },
    ...Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [name, Array.isArray(value) ? value[index]! : value]),
    ),
  }));
}
const problemsOf = (entries: MetricsEntry[], teacherSpread?: number) =>
  diagnose(entries, { teacherSpread }).map(({ problem }) => problem);

describe("runs on the ring", () => {
  test.each(runs)("$name", ({ name, teacherSpread, entries }) => {
    expect(teacherSpread).toBeGreaterThan(0.6);
    expect(problemsOf(entries, teacherSpread)).toEqual(name.startsWith("sound") ? [] : [name]);
  });

  test("there is a run for each problem", () => {
    const wrong = runs.map(({ name }) => name).filter((name) => !name.startsWith("sound"));
    expect(wrong).toEqual([
      ...["collapse", "lagging auxiliary model", "oversaturation", "overfed discriminator"],
    ]);
  });
});

describe("rules", () => {
  test("samples that were never wider have not collapsed", () => {
    expect(problemsOf(log({ spread: [0.1, 0.2, 0.3, 0.3, 0.3] }), 1)).toEqual([]);
    expect(problemsOf(log({ spread: [0.1, 0.8, 0.9, 0.4, 0.3] }), 1)).toEqual(["collapse"]);
    // Without the teacher's spread, their own is the measure.
    expect(problemsOf(log({ spread: [0.1, 0.8, 0.9, 0.4, 0.3] }))).toEqual(["collapse"]);
  });

  test("modes that are lost are a collapse, modes that are not found yet are none", () => {
    expect(problemsOf(log({ modeCoverage: [0, 1, 1, 0.5, 0.5] }))).toEqual(["collapse"]);
    expect(problemsOf(log({ modeCoverage: [0, 0, 0.2, 0.4, 0.5] }))).toEqual([]);
  });

  test("FID goes before the Wasserstein distance, and a mismatch that was seen is no lag", () => {
    const drifting = [30, 10, 12, 20, 25];
    expect(problemsOf(log({ fid: drifting, mismatch: 1.01 }))).toEqual(["lagging auxiliary model"]);
    expect(problemsOf(log({ fid: drifting, mismatch: [1.4, 1.01, 1.01, 1.01, 1.01] }))).toEqual([]);
    expect(problemsOf(log({ fid: 10, slicedWasserstein: drifting, mismatch: 1.01 }))).toEqual([]);
    expect(problemsOf(log({ fid: drifting }))).toEqual([]);
  });

  test("ladd's own loss is the adversarial one", () => {
    expect(problemsOf(log({ loss: 3, ownLoss: 0.1 }))).toEqual(["overfed discriminator"]);
    expect(problemsOf(log({ loss: 3 }))).toEqual([]);
  });

  test("nothing is said of too few evaluations", () => {
    expect(problemsOf(log({ spread: 9 }).slice(0, 3), 1)).toEqual([]);
  });

  test("a diagnosis is one line with figures and a setting", () => {
    const [found] = diagnose(log({ spread: 2 }), { teacherSpread: 1 });
    expect(describeDiagnosis(found!)).toBe(
      "oversaturation: the samples' spread is 2, the teacher's 1; try less guidance, or a smaller generatorWeight",
    );
  });
});
