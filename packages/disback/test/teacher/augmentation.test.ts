import { arange, Generator, ones } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { dropLabels, flipRandomly } from "../../src/teacher/augmentation.js";

describe("flipRandomly", () => {
  it("mirrors about half of the images, each as a whole", () => {
    const images = arange(6).float().reshape([1, 1, 2, 3]).expand([4000, 1, 2, 3]);
    const rows = flipRandomly(images, new Generator(1)).reshape([4000, 6]).toArray() as number[][];
    const mirrored = rows.filter((row) => row.join() === "2,1,0,5,4,3").length;
    const kept = rows.filter((row) => row.join() === "0,1,2,3,4,5").length;
    expect(mirrored + kept).toBe(4000);
    // Five standard deviations of a fair coin.
    expect(Math.abs(mirrored - 2000)).toBeLessThan(160);
  });
});

describe("dropLabels", () => {
  it("turns the asked part of the rows into zeros, and leaves the others", () => {
    const labels = ones([10_000, 3]);
    const sums = dropLabels(labels, 0.1, new Generator(2)).sum(1).data() as Float32Array;
    const dropped = sums.filter((sum) => sum === 0).length;
    expect(dropped + sums.filter((sum) => sum === 3).length).toBe(10_000);
    expect(Math.abs(dropped - 1000)).toBeLessThan(150);
  });

  it("keeps all with probability 0 and none with 1", () => {
    const labels = ones([100, 2]);
    expect(dropLabels(labels, 0, new Generator(0)).sum().item()).toBe(200);
    expect(dropLabels(labels, 1, new Generator(0)).sum().item()).toBe(0);
  });
});
