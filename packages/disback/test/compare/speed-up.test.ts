import { describe, expect, it } from "vitest";
import { costToReach, levelsBetween } from "../../src/compare/levels.js";
import { type SpeedUp, speedUp, summarizeSpeedUps } from "../../src/compare/speed-up.js";

describe("levels", () => {
  it("lie evenly in the logarithm", () => {
    const [half, whole] = levelsBetween(300, 3, [0.5, 1]);
    expect(half).toBeCloseTo(30, 10);
    expect(whole).toBeCloseTo(3, 10);
  });

  it("need a way down", () => {
    expect(() => levelsBetween(3, 4, [0.5])).toThrow(/no levels between/);
    expect(() => levelsBetween(3, 0, [0.5])).toThrow(/no levels between/);
  });
});

describe("cost to reach a level", () => {
  const curve: [number, number][] = [
    [0, 1000],
    [10, 100],
    [20, 100],
    [30, 1],
  ];

  it("is interpolated in the logarithm between evaluations", () => {
    expect(costToReach(curve, Math.sqrt(1000 * 100))).toBeCloseTo(5, 10);
    expect(costToReach(curve, 10)).toBeCloseTo(25, 10);
  });

  it("is that of an evaluation when the level is met exactly, the first of equals", () => {
    expect(costToReach(curve, 100)).toBe(10);
    expect(costToReach(curve, 1)).toBe(30);
  });

  it("is nothing for a level met at the start, even after a preparation", () => {
    expect(costToReach(curve, 1000)).toBe(0);
    expect(costToReach([[40, 9]], 10)).toBe(0);
  });

  it("is of the first time, though the curve rises again", () => {
    const rising: [number, number][] = [
      [0, 16],
      [1, 4],
      [2, 8],
      [3, 1],
    ];
    expect(costToReach(rising, 4)).toBe(1);
    expect(costToReach(rising, 2)).toBeCloseTo(2 + 2 / 3, 10);
  });

  it("does not exist for a level never reached", () => {
    expect(costToReach(curve, 0.5)).toBeUndefined();
    expect(costToReach([], 1)).toBeUndefined();
  });

  it("is interpolated linearly where zero is involved", () => {
    const toZero: [number, number][] = [
      [0, 1],
      [10, 0],
    ];
    expect(costToReach(toZero, 0.5)).toBeCloseTo(5, 10);
    expect(costToReach(toZero, 0)).toBe(10);
  });
});

describe("speed-up", () => {
  it("is the ratio of costs, 1 for ties", () => {
    expect(speedUp({ cost: 30, budget: 90 }, { cost: 20, budget: 90 })).toEqual({
      kind: "measured",
      ratio: 1.5,
    });
    expect(speedUp({ cost: 0, budget: 90 }, { cost: 0, budget: 90 })).toEqual({ kind: "measured", ratio: 1 });
  });

  it("is bounded when one never gets there", () => {
    expect(speedUp({ cost: 30, budget: 90 }, { cost: undefined, budget: 100 })).toEqual({
      kind: "below",
      ratio: 0.3,
    });
    expect(speedUp({ cost: undefined, budget: 90 }, { cost: 30, budget: 100 })).toEqual({
      kind: "above",
      ratio: 3,
    });
    expect(speedUp({ cost: undefined, budget: 90 }, { cost: undefined, budget: 90 })).toEqual({
      kind: "neither",
    });
  });

  const measured = (ratio: number): SpeedUp => ({ kind: "measured", ratio });

  it("over seeds: median and range, odd and even numbers of them", () => {
    const three = summarizeSpeedUps([measured(2), measured(0.5), measured(1)]);
    expect([three.median, three.lowest, three.highest]).toEqual([measured(1), measured(0.5), measured(2)]);
    expect(three.seeds).toEqual([measured(2), measured(0.5), measured(1)]);
    expect(summarizeSpeedUps([measured(1), measured(4)]).median).toEqual(measured(2));
  });

  it("over seeds: what was never reached counts as slowest, not as missing", () => {
    const never: SpeedUp = { kind: "below", ratio: 0.9 };
    const only: SpeedUp = { kind: "above", ratio: 1.1 };
    const summary = summarizeSpeedUps([measured(3), never, never]);
    expect(summary.median).toEqual(never);
    expect(summary.highest).toEqual(measured(3));
    expect(summary.reached).toEqual({ method: 1, baseline: 3 });
    expect(summarizeSpeedUps([only, measured(5), measured(0.2)]).highest).toEqual(only);
    // With no number in the middle the slower of the two is told.
    expect(summarizeSpeedUps([measured(3), never]).median).toEqual(never);
  });

  it("over seeds: where neither got there, nothing is said but that", () => {
    const summary = summarizeSpeedUps([{ kind: "neither" }, measured(2), { kind: "neither" }]);
    expect(summary.median).toEqual(measured(2));
    expect(summary.reached).toEqual({ method: 1, baseline: 1 });
    expect(summarizeSpeedUps([{ kind: "neither" }]).median).toEqual({ kind: "neither" });
  });
});
