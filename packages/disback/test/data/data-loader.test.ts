import { scope } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { DataLoader } from "../../src/data/data-loader.js";
import { openDataset } from "../../src/data/dataset.js";
import { DisbackError } from "../../src/errors.js";
import { fixture } from "./fixtures.js";

describe("openDataset", () => {
  it("gives tensors: images [N, C, H, W] in [-1, 1] and one-hot labels", async () => {
    const dataset = await openDataset(fixture("edm.zip"));
    const { samples, labels } = await dataset.batch([4, 0]);
    expect([samples.shape, samples.dtype, labels!.shape]).toEqual([[2, 3, 8, 8], "float32", [2, 3]]);
    expect(labels!.toArray()).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ]);
    expect(samples.data()).toEqual((await dataset.read([4, 0])).samples);
    expect(samples.max().item()).toBeLessThanOrEqual(1);
    expect(samples.min().item()).toBeGreaterThanOrEqual(-1);
  });

  it("gives toy points with their distribution", async () => {
    const dataset = await openDataset("toy:ring?count=9");
    expect((await dataset.batch([0, 8])).samples.shape).toEqual([2, 2]);
    expect(dataset.modes?.centers.length).toBe(8);
    expect(dataset.distribution!.density(1, 0)).toBeGreaterThan(1);
  });

  it("refuses samples that are not there", async () => {
    const dataset = await openDataset("toy:ring?count=9");
    for (const index of [9, -1, 0.5])
      await expect(dataset.batch([index])).rejects.toThrow(`there is no sample ${index} (0 to 8)`);
  });
});

describe("DataLoader", () => {
  const open = () => openDataset("toy:moons?count=20");

  it("gives every sample once per epoch, in the order its seed decides", async () => {
    const dataset = await open();
    const all = (await dataset.batch([...Array(20).keys()])).samples.toArray() as number[][];
    const draw = async (seed: number) => {
      const loader = new DataLoader(dataset, { batchSize: 5, seed });
      const rows: number[][] = [];
      for (let batch = 0; batch < 4; batch++)
        rows.push(...((await loader.next()).samples.toArray() as number[][]));
      return rows;
    };
    const rows = await draw(1);
    expect(rows.map(String).sort()).toEqual(all.map(String).sort());
    expect(await draw(1)).toEqual(rows);
    expect(await draw(2)).not.toEqual(rows);
  });

  it("goes on exactly where its state was taken, what was read ahead included", async () => {
    const dataset = await open();
    const loader = new DataLoader(dataset, { batchSize: 7, seed: 3 });
    for (let batch = 0; batch < 5; batch++) await loader.next();
    const state = { tensors: new Map(), values: JSON.parse(JSON.stringify(loader.state().values)) };
    const following = [await loader.next(), await loader.next()].map(({ samples }) => samples.toArray());
    const restored = new DataLoader(dataset, { batchSize: 7, seed: 99 });
    await restored.next();
    restored.loadState(state);
    expect([await restored.next(), await restored.next()].map(({ samples }) => samples.toArray())).toEqual(
      following,
    );
    const other = new DataLoader(await openDataset("toy:moons?count=21"), { batchSize: 7 });
    expect(() => other.loadState(state)).toThrow("belongs to 20 samples, but this dataset has 21");
  });

  it("keeps batches asked for at once in order, and their tensors out of other scopes", async () => {
    const dataset = await open();
    const loader = new DataLoader(dataset, { batchSize: 4, shuffle: false });
    const batches = await Promise.all([loader.next(), loader.next(), loader.next()]);
    scope(() => {});
    const expected = (await dataset.batch([...Array(12).keys()])).samples.toArray();
    expect(batches.flatMap(({ samples }) => samples.toArray())).toEqual(expected);
    expect((loader.state().values as { offset: number }).offset).toBe(12);
  });

  it("reads the next batch while one is used", async () => {
    const dataset = await open();
    let reads = 0;
    const counted = Object.create(dataset, {
      read: {
        value: (indices: ArrayLike<number>) => {
          reads++;
          return dataset.read(indices);
        },
      },
    });
    const loader = new DataLoader(counted, { batchSize: 4 });
    await loader.next();
    expect(reads).toBe(2);
  });

  it("reports a failed read and gives the same batch afterwards", async () => {
    const dataset = await open();
    let failures = 1;
    const failing = Object.create(dataset, {
      read: {
        value: async (indices: ArrayLike<number>) => {
          if (failures-- > 0) throw new DisbackError("x.png is not a readable image");
          return dataset.read(indices);
        },
      },
    });
    const loader = new DataLoader(failing, { batchSize: 4, seed: 5 });
    await expect(loader.next()).rejects.toThrow("x.png");
    const undisturbed = new DataLoader(dataset, { batchSize: 4, seed: 5 });
    expect((await loader.next()).samples.toArray()).toEqual((await undisturbed.next()).samples.toArray());
  });

  it("refuses batch sizes that are none", async () => {
    const dataset = await open();
    for (const batchSize of [0, -1, 1.5])
      expect(() => new DataLoader(dataset, { batchSize })).toThrow(/batchSize must be a whole number/);
  });
});
