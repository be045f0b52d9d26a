import { describe, expect, it } from "vitest";
import { chooseBest, convergenceScore } from "../../src/compare/best-rates.js";
import { compareMethods } from "../../src/compare/comparison.js";
import { type Convergence, curveOf, type MeasuredRun, withCosts } from "../../src/compare/convergence.js";
import { median, spread } from "../../src/compare/statistics.js";

/** A run of a student step per second, half of it on a core, whose figure falls by `factor` every ten steps. */
function run(seed: number, start: number, factor: number, more: Partial<MeasuredRun> = {}): MeasuredRun {
  const evaluations = Array.from({ length: 6 }, (_, i) => ({
    iteration: i * 10,
    images: i * 1000,
    seconds: i * 10,
    processorSeconds: i * 5,
    figures: { fid: start * factor ** i },
  }));
  return { seed, diverged: false, evaluations, ...more };
}
const preparation = { steps: 20, images: 2000, seconds: 10, processorSeconds: 5 };

describe("costs", () => {
  it("include the preparation, in student steps that take as long", () => {
    const [one] = withCosts([run(1, 100, 0.5, { preparation })]) as [Convergence];
    expect(one.preparation).toEqual({
      steps: 20,
      iterations: 0,
      iterationsWithPreparation: 10,
      images: 2000,
      seconds: 10,
      processorSeconds: 5,
    });
    expect(one.points[3]!.cost).toEqual({
      iterations: 30,
      iterationsWithPreparation: 40,
      images: 5000,
      seconds: 40,
      processorSeconds: 20,
    });
  });

  it("count what a student learned while it was prepared, at what that had taken by then", () => {
    const evaluations = [0, 5, 10].map((seconds) => ({
      images: 200 * seconds,
      seconds,
      processorSeconds: seconds / 2,
      figures: { fid: 400 - 30 * seconds },
    }));
    const [one] = withCosts([run(1, 100, 0.5, { preparation: { ...preparation, evaluations } })]) as [
      Convergence,
    ];
    expect(curveOf(one, "fid", "iterationsWithPreparation").slice(0, 4)).toEqual([
      [0, 400],
      [5, 250],
      [10, 100],
      [10, 100],
    ]);
    expect(curveOf(one, "fid", "images")[1]).toEqual([1000, 250]);
  });

  it("compare preparation and student steps over all runs of a method", () => {
    const slow = { ...preparation, seconds: 1000, processorSeconds: 500 };
    const runs = withCosts([
      run(1, 100, 0.5, { preparation }),
      run(2, 100, 0.5, { preparation: slow }),
      run(3, 100, 0.5, { preparation }),
    ]);
    expect(runs.map((one) => one.preparation.iterationsWithPreparation)).toEqual([10, 10, 10]);
    expect(runs[1]!.preparation.seconds).toBe(1000);
  });

  it("count preparation by the processor's time, not by the clock's", () => {
    const waiting = { ...preparation, seconds: 70 };
    const [one] = withCosts([run(1, 100, 0.5, { preparation: waiting })]) as [Convergence];
    expect(one.preparation.iterationsWithPreparation).toBe(10);
    expect(one.points[1]!.cost).toMatchObject({ seconds: 80, processorSeconds: 10 });
  });

  it("leave out evaluations without a finite figure", () => {
    const broken = run(1, 100, 0.5);
    broken.evaluations[2]!.figures.fid = Number.NaN;
    const [one] = withCosts([broken]) as [Convergence];
    expect(curveOf(one, "fid", "images").map(([x]) => x)).toEqual([0, 1000, 3000, 4000, 5000]);
    expect(curveOf(one, "kid", "images")).toEqual([]);
  });
});

describe("comparison", () => {
  const compare = (own: MeasuredRun[]) =>
    compareMethods(
      new Map([
        ["plain", withCosts([run(1, 1024, 0.5), run(2, 2048, 0.5)])],
        ["quick", withCosts(own)],
      ]),
      { figure: "fid", teacher: 1, baseline: "plain", fractions: [0.2, 1] },
    );

  it("gives speed-ups at every level and for every cost", () => {
    const { levels, methods } = compare([
      run(1, 1024, 0.25, { preparation }),
      run(2, 2048, 0.25, { preparation }),
    ]);
    expect(levels.map(({ name }) => name)).toEqual([0.2, 1, "baseline's best"]);
    // Seed 1: two halvings of ten; seed 2: 2.2 halvings of eleven.
    const [plain, quick] = methods;
    expect(plain!.isBaseline).toBe(true);
    expect(plain!.costs.iterations[0]![0]).toBeCloseTo(20, 8);
    expect(plain!.costs.iterations[0]![1]).toBeCloseTo(22, 8);
    expect(quick!.costs.iterations[0]![1]).toBeCloseTo(11, 8);
    expect(plain!.speedUps.seconds[0]!.median).toEqual({ kind: "measured", ratio: 1 });
    expect(quick!.speedUps.iterations[0]!.median).toMatchObject({
      kind: "measured",
      ratio: expect.closeTo(2, 8),
    });
    expect(quick!.speedUps.iterationsWithPreparation[0]!.seeds[0]).toMatchObject({
      ratio: expect.closeTo(20 / 20, 8),
    });
    expect(quick!.speedUps.images[0]!.seeds[1]).toMatchObject({ ratio: expect.closeTo(2200 / 3100, 8) });
    // The baseline's best level: 50 steps against 25 (seed 1).
    expect(quick!.costs.seconds[2]![0]).toBeCloseTo(35, 8);
    expect(quick!.speedUps.seconds[2]!.seeds[0]).toMatchObject({ ratio: expect.closeTo(50 / 35, 8) });
  });

  it("says never", () => {
    const [plain, quick] = compare([run(1, 1024, 0.9), run(2, 2048, 0.25)]).methods;
    expect(plain!.costs.iterations[1]).toEqual([null, null]);
    expect(plain!.speedUps.iterations[1]!.median).toEqual({ kind: "neither" });
    expect(quick!.costs.iterations[2]![0]).toBe(null);
    expect(quick!.speedUps.iterations[2]!.median).toEqual({ kind: "below", ratio: 1 });
    expect(quick!.speedUps.iterations[2]!.reached).toEqual({ method: 1, baseline: 2 });
  });

  it("counts a run that diverged as never there, though its budget was not spent", () => {
    const short = run(1, 1024, 0.9, { diverged: true });
    short.evaluations.length = 1;
    const quick = compare([short, run(2, 2048, 0.25)]).methods[1]!;
    expect(quick.diverged).toBe(1);
    expect(quick.end.highest).toBe(Number.POSITIVE_INFINITY);
    expect(quick.speedUps.iterations[0]!.lowest).toEqual({ kind: "below", ratio: 0 });
  });

  it("has only the baseline's best level where the start is as good as the teacher", () => {
    const same = new Map([["plain", withCosts([run(1, 8, 0.5)])]]);
    const { levels } = compareMethods(same, {
      figure: "fid",
      teacher: 8,
      baseline: "plain",
      fractions: [0.5],
    });
    expect(levels.map(({ name }) => name)).toEqual(["baseline's best"]);
  });

  it("refuses runs without the figure", () => {
    const without = withCosts([run(7, 8, 0.5)]);
    const options = { figure: "kid", teacher: 1, baseline: "plain", fractions: [] };
    expect(() => compareMethods(new Map([["plain", without]]), options)).toThrow(
      'a run of seed 7 has no "kid"',
    );
    expect(() => compareMethods(new Map(), options)).toThrow("no runs of the baseline");
  });
});

describe("choice of learning rates", () => {
  const score = (one: MeasuredRun, budget = 50) => convergenceScore(withCosts([one])[0]!, "fid", budget);

  it("scores the mean logarithm on the way", () => {
    // From 1024 down to 32: the logarithm falls evenly from 10 to 5 (base 2).
    expect(score(run(1, 1024, 0.5)) / Math.LN2).toBeCloseTo(7.5, 8);
    // Twice the budget: the second half stays at 5.
    expect(score(run(1, 1024, 0.5), 100) / Math.LN2).toBeCloseTo(6.25, 8);
    // Half of it: from 10 to 7.5.
    expect(score(run(1, 1024, 0.5), 25) / Math.LN2).toBeCloseTo(8.75, 8);
  });

  it("counts the time of the preparation at the start's figure", () => {
    // Ten steps at 10, then 40 steps from 10 to 6.
    const expected = (10 * 10 + 40 * 8) / 50;
    expect(score(run(1, 1024, 0.5, { preparation })) / Math.LN2).toBeCloseTo(expected, 8);
  });

  it("never prefers a run that diverged", () => {
    expect(score(run(1, 1024, 0.1, { diverged: true }))).toBe(Number.POSITIVE_INFINITY);
  });

  it("takes the lowest mean over the seeds, of equals the first", () => {
    const candidates = [
      { rates: 1, scores: [3, 9] },
      { rates: 2, scores: [5, 5] },
      { rates: 3, scores: [4, 6] },
      { rates: 4, scores: [1, Number.POSITIVE_INFINITY] },
    ];
    const choice = chooseBest(candidates)!;
    expect(choice.chosen).toBe(2);
    expect(choice.candidates.map((one) => one.score)).toEqual([6, 5, 5, Number.POSITIVE_INFINITY]);
    expect(chooseBest([])).toBeUndefined();
  });
});

describe("statistics", () => {
  it("knows medians and ranges", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(median([])).toBeUndefined();
    expect(median([1, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY);
    expect(spread([5, 1, 3])).toEqual({ median: 3, lowest: 1, highest: 5 });
    expect(spread([])).toBeUndefined();
  });
});
