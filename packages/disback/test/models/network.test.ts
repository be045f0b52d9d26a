import { Generator, ones } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { dropLabels } from "../../src/models/network.js";

describe("dropLabels", () => {
  it("turns the asked part of the rows into zeros, and leaves the others", () => {
    const labels = ones([10_000, 3]);
    const sums = dropLabels(labels, 0.1, 10_000, new Generator(2)).sum(1).data() as Float32Array;
    const dropped = sums.filter((sum) => sum === 0).length;
    expect(dropped + sums.filter((sum) => sum === 3).length).toBe(10_000);
    expect(Math.abs(dropped - 1000)).toBeLessThan(150);
  });

  it("keeps all with probability 0 and none with 1", () => {
    const labels = ones([100, 2]);
    expect(dropLabels(labels, 0, 100, new Generator(0)).sum().item()).toBe(200);
    expect(dropLabels(labels, 1, 100, new Generator(0)).sum().item()).toBe(0);
  });

  it("withholds one label from so many samples, each on its own", () => {
    const rows = dropLabels(ones([1, 2]), 0.5, 2000, new Generator(1));
    expect(rows.shape).toEqual([2000, 2]);
    expect(Math.abs(rows.select(1, 0).sum().item() - 1000)).toBeLessThan(120);
    expect(rows.select(1, 0).equal(rows.select(1, 1))).toBe(true);
  });
});
