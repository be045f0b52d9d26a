import { describe, expect, it } from "vitest";
import { type SpeedUp, summarizeSpeedUps } from "../../../src/compare/speed-up.js";
import {
  costText,
  levelText,
  speedUpText,
  spreadText,
  summaryParts,
} from "../../../src/runs/compare/wording.js";

const measured = (ratio: number): SpeedUp => ({ kind: "measured", ratio });
const below = (ratio: number): SpeedUp => ({ kind: "below", ratio });
const neither: SpeedUp = { kind: "neither" };
const summary = (...seeds: SpeedUp[]) => {
  const { median, spread } = summaryParts(summarizeSpeedUps(seeds));
  return spread === "" ? median : `${median} (${spread})`;
};

describe("speed-ups in words", () => {
  it("of one seed", () => {
    expect([measured(1.524), measured(13.09), measured(0.0123)].map(speedUpText)).toEqual([
      "1.52×",
      "13.1×",
      "0.0123×",
    ]);
    expect(speedUpText(below(0.8))).toBe("never (<0.80×)");
    expect(speedUpText(below(0))).toBe("never");
    expect(speedUpText({ kind: "above", ratio: 1.9 })).toBe(">1.90×");
    expect(speedUpText({ kind: "above", ratio: Number.POSITIVE_INFINITY })).toBe("alone");
    expect(speedUpText(neither)).toBe("neither");
  });

  it("of several seeds", () => {
    expect(summary(measured(1.5))).toBe("1.50×");
    expect(summary(measured(1.5), measured(1.2), measured(1.9))).toBe("1.50× (1.20 to 1.90)");
    expect(summary(measured(1.5), measured(1.5), measured(1.5))).toBe("1.50×");
    expect(summary(measured(1.5), below(0.9), measured(1.9))).toBe("1.50× (never to 1.90, reached 2 of 3)");
    expect(summary(measured(1.5), below(0.9), below(0.8))).toBe(
      "never (<0.90×) (never to 1.50, reached 1 of 3)",
    );
    expect(summary(below(0.9), below(0.8))).toBe("never (<0.80×)");
    expect(summary(measured(2), { kind: "above", ratio: 4 }, neither)).toBe(
      "2.00× (2.00 to >4.00, reached 2 of 3)",
    );
    expect(summary(neither, neither)).toBe("neither");
  });
});

it("costs, levels and ranges in words", () => {
  expect(costText([120, 100, 140])).toBe("120");
  expect(costText([120, null, 140])).toBe("140 (reached 2 of 3)");
  expect(costText([120, null, null])).toBe("never (reached 1 of 3)");
  expect(costText([null])).toBe("never");
  expect([levelText(0.75), levelText("baseline's best")]).toEqual(["75%", "baseline's best"]);
  expect(spreadText({ median: 150, lowest: 140, highest: 170 })).toBe("150 (140 to 170)");
  expect(spreadText({ median: 1, lowest: 1, highest: Number.POSITIVE_INFINITY })).toBe("1 (1 to diverged)");
});
