import { describe, expect, it } from "vitest";
import { learningRateSchedule } from "../../src/training/learning-rate.js";

describe("learningRateSchedule", () => {
  it("rises linearly to 1 over the ramp-up, never being 0", () => {
    const rate = learningRateSchedule({ rampUp: 4, decay: "constant", decayFrom: 0, iterations: 100 });
    expect([0, 1, 2, 3, 4, 99].map(rate)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });

  it("falls to 0 along half a cosine from decayFrom on", () => {
    const rate = learningRateSchedule({ rampUp: 0, decay: "cosine", decayFrom: 20, iterations: 120 });
    expect([0, 20].map(rate)).toEqual([1, 1]);
    expect(rate(70)).toBeCloseTo(0.5, 12);
    expect(rate(120)).toBeCloseTo(0, 12);
    for (let iteration = 20; iteration < 120; iteration++) {
      expect(rate(iteration + 1)).toBeLessThan(rate(iteration));
    }
  });

  it("falls with the root of the iteration", () => {
    const rate = learningRateSchedule({ rampUp: 0, decay: "inverse-sqrt", decayFrom: 25, iterations: 1000 });
    expect([0, 25, 100, 400].map(rate)).toEqual([1, 1, 0.5, 0.25]);
  });
});
