import { arange, Generator } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { flipRandomly } from "../../src/teacher/augmentation.js";

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
