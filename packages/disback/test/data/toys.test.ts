import { describe, expect, it } from "vitest";
import { openSamples } from "../../src/data/open-samples.js";
import { RandomStream } from "../../src/data/random.js";
import { parseToy, planarToys } from "../../src/data/toys/parse.js";
import { ToyPoints } from "../../src/data/toys/points.js";

const wide: Record<string, string> = {
  ring: "?std=0.1",
  grid: "?side=3&std=0.1",
  moons: "?std=0.1",
  spiral: "?std=0.1",
};

describe("toy distributions", () => {
  it.each(planarToys)("%s: the density integrates to 1 and is that of the points", (kind) => {
    const { distribution } = parseToy(`toy:${kind}${wide[kind] ?? ""}`);
    // Cells of 0.125 share their edges with the checkerboard's squares.
    const cells = 24;
    const fine = 4;
    const side = 3 / cells;
    const expected = new Float64Array(cells * cells);
    for (let cell = 0; cell < expected.length; cell++)
      for (let sub = 0; sub < fine * fine; sub++) {
        const x = -1.5 + side * ((cell % cells) + ((sub % fine) + 0.5) / fine);
        const y = -1.5 + side * (Math.floor(cell / cells) + (Math.floor(sub / fine) + 0.5) / fine);
        expected[cell]! += (distribution.density(x, y) * side * side) / fine ** 2;
      }
    const inside = expected.reduce((sum, value) => sum + value, 0);
    expect(inside).toBeGreaterThan(0.999);
    expect(inside).toBeLessThan(1.0001);

    const count = 40000;
    const found = new Float64Array(cells * cells);
    const random = new RandomStream(11);
    for (let draw = 0; draw < count; draw++) {
      const { x, y } = distribution.draw(random);
      const [column, row] = [Math.floor((x + 1.5) / side), Math.floor((y + 1.5) / side)];
      if (Math.min(column, row) >= 0 && Math.max(column, row) < cells) found[row * cells + column]!++;
    }
    let chiSquare = 0;
    let used = 0;
    for (let cell = 0; cell < expected.length; cell++) {
      const mean = expected[cell]! * count;
      if (mean === 0) expect(found[cell]).toBe(0);
      if (mean < 10) continue;
      chiSquare += (found[cell]! - mean) ** 2 / mean;
      used++;
    }
    expect(used).toBeGreaterThan(50);
    expect(Math.abs(chiSquare - used)).toBeLessThan(5 * Math.sqrt(2 * used));
  });

  it("states modes where they are", () => {
    expect(parseToy("toy:ring?modes=4&std=0.02").distribution.modes).toEqual({
      centers: [
        [1, 0],
        [expect.closeTo(0), 1],
        [-1, expect.closeTo(0)],
        [expect.closeTo(0), -1],
      ],
      deviation: 0.02,
    });
    const grid = parseToy("toy:grid").distribution.modes!;
    expect([grid.centers.length, grid.centers[0], grid.centers[1], grid.centers[24]]).toEqual([
      25,
      [-1, -1],
      [-0.5, -1],
      [1, 1],
    ]);
    expect(parseToy("toy:moons").distribution.modes).toBeUndefined();
  });

  it("places the moons as scikit-learn does, moved and scaled", () => {
    const { distribution } = parseToy("toy:moons?std=0.001");
    const random = new RandomStream(2);
    for (let draw = 0; draw < 200; draw++) {
      const { x, y, label } = distribution.draw(random);
      const [originalX, originalY] = [1.5 * x + 0.5, 1.5 * y + 0.25];
      const radius =
        label === 0 ? Math.hypot(originalX, originalY) : Math.hypot(originalX - 1, originalY - 0.5);
      expect(Math.abs(radius - 1)).toBeLessThan(0.01);
      expect(label === 0 ? originalY > -0.01 : originalY < 0.51).toBe(true);
    }
  });

  it("draws the same points for the same request, others for the test split or another seed", async () => {
    const of = async (source: string, split?: string) => {
      const points = await openSamples(source, split ? { split } : {});
      return (await points.read([0, 1, 2])).samples;
    };
    const first = await of("toy:spiral?count=10");
    expect(await of("toy:spiral?count=20")).toEqual(first);
    expect(await of("toy:spiral?count=10", "test")).not.toEqual(first);
    expect(await of("toy:spiral?count=10&seed=1")).not.toEqual(first);
  });

  it("labels points by component, and keeps the distribution at hand", async () => {
    const points = await openSamples("toy:ring?modes=3&count=100&std=0.01");
    expect([points.length, points.labelDim, points.sampleShape]).toEqual([100, 3, [2]]);
    expect(points).toBeInstanceOf(ToyPoints);
    const { samples, labels } = await points.read([17]);
    const [x, y] = (points as ToyPoints).distribution.modes!.centers[labels!.indexOf(1)]!;
    expect(Math.hypot(samples[0]! - x!, samples[1]! - y!)).toBeLessThan(0.06);
    expect((await openSamples("toy:ring", { labels: false })).labelDim).toBe(0);
  });

  it("names what is wrong", async () => {
    const message = async (source: string, options = {}) =>
      openSamples(source, options).then(
        () => "opened",
        (error) => error.message,
      );
    expect(await message("toy:rings")).toBe(
      'toy:rings: unknown toy data "rings" (known: ring, grid, moons, checkerboard, spiral, moving-digits)',
    );
    expect(await message("toy:toString")).toMatch(/unknown toy data/);
    expect(await message("toy:ring?mode=8")).toMatch(
      /unknown parameter "mode" \(known: modes, std, count, seed\)/,
    );
    expect(await message("toy:ring?modes=0.5")).toMatch(
      /modes must be a whole number from 1 to 1000, not "0.5"/,
    );
    expect(await message("toy:ring?std=")).toMatch(/std must be a number from 0.001 to 1, not ""/);
    expect(await message("toy:checkerboard?size=3")).toMatch(/size must be an even number/);
    expect(await message("toy:ring", { resolution: 8 })).toMatch(/gives points, not images/);
    expect(await message("toy:ring", { split: "val" })).toMatch(/no split "val"/);
  });
});
