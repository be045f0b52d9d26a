import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, randn } from "@disback/torch";
import { afterAll, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { writeNpz } from "../../src/data/output/npz.js";
import { CoordinateExtractor } from "../../src/metrics/coordinate-extractor.js";
import { referenceStatistics } from "../../src/metrics/reference-statistics.js";

const folder = mkdtempSync(join(tmpdir(), "disback-values-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "values.npz");
const values = randn([6, 2, 3, 4], { generator: new Generator(0) }).mul(100);

it("values of any shape and range come back bit by bit", async () => {
  await writeNpz(path, values, undefined, { values: true });
  const dataset = await openDataset(path, { values: true });
  expect([dataset.length, ...dataset.sampleShape]).toEqual([6, 2, 3, 4]);
  const { samples } = await dataset.batch([5, 0]);
  expect(samples.select(0, 0).equal(values.select(0, 5))).toBe(true);
  expect(samples.select(0, 1).equal(values.select(0, 0))).toBe(true);
});

it("they are no images: not taken for such, not resized", async () => {
  await expect(openDataset(path)).rejects.toThrow("neither images");
  await expect(openDataset(path, { values: true, resolution: 8 })).rejects.toThrow(
    "holds values, not images: leave out resolution",
  );
});

it("statistics from the cache hold the values themselves", async () => {
  const dataset = await openDataset(path, { values: true });
  const { features } = await referenceStatistics(dataset, new CoordinateExtractor(24), folder);
  const rows = values.flatten(1);
  // In an order of its own: row by row the nearest one.
  const distances = features.unsqueeze(1).sub(rows.unsqueeze(0)).abs().amax(2).amin(1);
  expect(distances.max().item()).toBe(0);
});
