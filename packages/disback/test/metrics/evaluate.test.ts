import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, manualSeed, memoryStatistics, ones, randn, type Tensor, zeros } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { TensorDataset } from "../../src/data/dataset.js";
import { datasetBatches } from "../../src/metrics/batches.js";
import { CoordinateExtractor } from "../../src/metrics/coordinate-extractor.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { loadReference, saveReference } from "../../src/metrics/reference.js";
import { referenceStatistics } from "../../src/metrics/reference-statistics.js";

const folder = mkdtempSync(join(tmpdir(), "disback-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two clusters at (+-1, 0) with standard deviation 0.1. */
function twoModes(count: number, generator: Generator): Tensor {
  const points = randn([count, 2], { generator }).mul(0.1);
  points.select(1, 0).add_(randn([count], { generator }).gt(0).float().mul(2).sub(1));
  return points;
}

/** Points of `twoModes`; `reads` counts the batches asked for. */
class CountedPoints extends TensorDataset {
  reads = 0;

  constructor(length: number, fingerprint: string) {
    const points = twoModes(length, new Generator(1)).toArray() as number[][];
    super({
      name: "two modes",
      sampleShape: [2],
      length,
      labelDim: 0,
      fingerprint: async () => fingerprint,
      read: async (indices) => {
        this.reads++;
        return { samples: Float32Array.from(Array.from(indices, (index) => points[index]!).flat()) };
      },
    });
  }
}

const extractor = new CoordinateExtractor(2);
const modes = {
  centers: [
    [1, 0],
    [-1, 0],
  ],
  deviation: 0.1,
};

describe("datasetBatches", () => {
  it("gives a typical part of data that is sorted, the same each time", async () => {
    const sorted = new TensorDataset({
      name: "0 to 999",
      sampleShape: [1],
      length: 1000,
      labelDim: 0,
      fingerprint: async () => "sorted",
      read: async (indices) => ({ samples: Float32Array.from(indices) }),
    });
    const values = async (count?: number) => {
      const found: number[] = [];
      for await (const batch of datasetBatches(sorted, 64, count))
        found.push(...(batch.data() as Float32Array));
      return found;
    };
    const part = await values(100);
    expect(part.length).toBe(100);
    expect(part.filter((value) => value < 500).length).toBeGreaterThan(30);
    expect(part.filter((value) => value < 500).length).toBeLessThan(70);
    expect(await values(100)).toEqual(part);
    expect((await values()).sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });
});

describe("referenceStatistics", () => {
  it("are computed once per content of dataset and extractor", async () => {
    const cache = join(folder, "cache");
    const dataset = new CountedPoints(300, "first");
    const first = await referenceStatistics(dataset, extractor, cache);
    const reads = dataset.reads;
    const second = await referenceStatistics(dataset, extractor, cache);
    expect(dataset.reads).toBe(reads);
    expect(second.statistics.count).toBe(300);
    expect(second.statistics.covariance.toArray()).toEqual(first.statistics.covariance.toArray());
    expect(second.features.shape).toEqual([300, 2]);
    // Not only about: a run judges alike, whoever filled the cache.
    expect(second.features.toArray()).toEqual(first.features.toArray());
    expect(second).toMatchObject({ dataset: "two modes", extractor: "coordinates", datasetHash: "first" });
    await referenceStatistics(new CountedPoints(300, "second"), extractor, cache);
    expect(readdirSync(cache).length).toBe(2);
  });

  it("refuse a file that is none", () => {
    const file = join(folder, "none.safetensors");
    writeFileSync(file, "nothing");
    expect(() => loadReference(file)).toThrow(/none.safetensors/);
  });
});

describe("evaluate", () => {
  it("tells good samples from bad ones by every metric", async () => {
    const reference = await referenceStatistics(new CountedPoints(1000, "evaluate"), extractor, folder);
    const all = { extractor, reference, modes, count: 600, batchSize: 100 };
    const metrics = ["fid", "kid", "precisionRecall", "slicedWasserstein", "modeCoverage"] as const;
    const generator = new Generator(2);
    const good = await evaluate({ ...all, metrics, generate: (count) => twoModes(count, generator) });
    const bad = await evaluate({
      ...all,
      metrics,
      generate: (count) =>
        randn([count, 2], { generator })
          .mul(0.1)
          .add(ones([2])),
    });
    expect(good).toMatchObject({ extractor: "coordinates", samples: 600, modeCoverage: 1 });
    expect(good.fid!).toBeLessThan(0.01);
    expect(bad.fid!).toBeGreaterThan(1);
    expect(Math.abs(good.kid!)).toBeLessThan(0.05);
    expect(bad.kid!).toBeGreaterThan(1);
    expect(good.precision!).toBeGreaterThan(0.9);
    expect(bad.recall!).toBeLessThan(0.1);
    expect(good.slicedWasserstein!).toBeLessThan(0.2);
    expect(bad.slicedWasserstein!).toBeGreaterThan(0.8);
    expect(bad.modeCoverage).toBe(0);
    expect(good.highQuality!).toBeGreaterThan(0.95);
  });

  it("takes a stream, judges no more than asked for, and reports progress", async () => {
    const reference = await referenceStatistics(new CountedPoints(100, "stream"), extractor, folder);
    const progress: number[] = [];
    const result = await evaluate({
      extractor,
      reference,
      count: 50,
      batches: Array.from({ length: 9 }, () => twoModes(20, new Generator(4))),
      onProgress: (done) => progress.push(done),
    });
    expect(result.samples).toBe(50);
    expect(progress).toEqual([20, 40, 50]);
  });

  it("keeps memory flat", async () => {
    manualSeed(0);
    const reference = await referenceStatistics(new CountedPoints(100, "flat"), extractor, folder);
    const once = () =>
      evaluate({ extractor, reference, count: 400, batchSize: 50, generate: (n) => randn([n, 2]) });
    await once();
    const before = memoryStatistics().tensors;
    for (let round = 0; round < 5; round++) await once();
    expect(memoryStatistics().tensors).toBeLessThanOrEqual(before);
  });

  it("refuses what cannot be measured", async () => {
    const reference = await referenceStatistics(new CountedPoints(100, "refuse"), extractor, folder);
    const generate = (count: number) => zeros([count, 2]);
    const base = { extractor, reference, generate, count: 20 };
    await expect(evaluate({ ...base, metrics: ["inceptionScore"] })).rejects.toThrow(
      /no class probabilities/,
    );
    await expect(evaluate({ ...base, metrics: ["modeCoverage"] })).rejects.toThrow(/modes/);
    await expect(evaluate({ ...base, generate: undefined })).rejects.toThrow(/either/);
    await expect(evaluate({ ...base, reference: { ...reference, extractorHash: "other" } })).rejects.toThrow(
      /another extractor/,
    );
    saveReference(join(folder, "again.safetensors"), reference);
    expect(loadReference(join(folder, "again.safetensors")).datasetHash).toBe("refuse");
  });
});
