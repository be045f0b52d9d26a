import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatNpy, parseNpy } from "../../src/data/formats/npy.js";
import { openSamples } from "../../src/data/open-samples.js";
import { allClasses, allPixels, fixture, referenceArrays, temporaryFolder } from "./fixtures.js";

const six = (await referenceArrays("six.npz"))["six"]!.data as Uint8Array;
const image = (index: number): Uint8Array => six.subarray(index * 192, (index + 1) * 192);
const joined = (...indices: number[]): Uint8Array =>
  Uint8Array.from(indices.flatMap((index) => [...image(index)]));

describe("IDX", () => {
  it("reads gzipped and plain files, from the folder by split", async () => {
    const train = await openSamples(fixture("idx"));
    expect([train.name, train.length, train.sampleShape, train.labelDim]).toEqual([
      "idx",
      5,
      [1, 28, 28],
      10,
    ]);
    expect(await allClasses(train)).toEqual([3, 0, 9, 1, 3]);
    const test = await openSamples(fixture("idx"), { split: "test" });
    expect([test.name, test.length]).toEqual(["idx (test)", 2]);
    expect(await allPixels(test)).toEqual((await allPixels(train)).subarray(0, 2 * 784));
  });

  it("reads a single file with its labels beside it, gzipped or not", async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture("idx/train-images-idx3-ubyte.gz"), join(folder, "train-images-idx3-ubyte.gz"));
    writeFileSync(
      join(folder, "train-labels-idx1-ubyte"),
      gunzipSync(readFileSync(fixture("idx/train-labels-idx1-ubyte.gz"))),
    );
    const source = await openSamples(join(folder, "train-images-idx3-ubyte.gz"), { channels: 3 });
    expect(source.sampleShape).toEqual([3, 28, 28]);
    expect(await allClasses(source)).toEqual([3, 0, 9, 1, 3]);
  });
});

describe("archives and folders of images", () => {
  it("reads EDM's zip with class numbers, with rows, and without labels", async () => {
    const classes = await openSamples(fixture("edm.zip"));
    expect(await allPixels(classes)).toEqual(six);
    expect(await allClasses(classes)).toEqual([0, 1, 2, 0, 1, 2]);
    const rows = await openSamples(fixture("edm-rows.zip"));
    expect([...(await rows.read([5, 0])).labels!]).toEqual([0.625, 0.375, 0, 1]);
    const unlabelled = await openSamples(fixture("edm-unlabelled.zip"));
    expect([unlabelled.labelDim, (await unlabelled.read([0])).labels]).toEqual([0, undefined]);
  });

  it("reads a tar.gz by split, with the same class numbers in each", async () => {
    const train = await openSamples(fixture("pets.tar.gz"));
    expect([train.length, train.classNames]).toEqual([3, ["cat", "dog"]]);
    expect(await allPixels(train)).toEqual(joined(2, 1, 0));
    expect(await allClasses(train)).toEqual([0, 0, 1]);
    const test = await openSamples(fixture("pets.tar.gz"), { split: "test" });
    expect([await allClasses(test), await allPixels(test)]).toEqual([[1], joined(3)]);
    await expect(openSamples(fixture("pets.tar.gz"), { split: "val" })).rejects.toThrow(
      'has no split "val" (found: test, train)',
    );
  });

  it("reads folders: classes by folder, links followed once, other files passed over", async () => {
    const folder = temporaryFolder();
    for (const name of ["ape", "bee"]) mkdirSync(join(folder, name));
    copyFileSync(fixture("kinds/colour.png"), join(folder, "ape", "1.PNG"));
    copyFileSync(fixture("kinds/alpha.png"), join(folder, "bee", "1.png"));
    writeFileSync(join(folder, "bee", "notes.txt"), "no image");
    writeFileSync(join(folder, "bee", "._1.png"), "no image either");
    symlinkSync(folder, join(folder, "ape", "loop"));
    const source = await openSamples(folder);
    expect([source.length, source.classNames]).toEqual([2, ["ape", "bee"]]);
    expect(await allClasses(source)).toEqual([0, 1]);
    const unlabelled = await openSamples(folder, { labels: false, channels: 1, resolution: 4 });
    expect([unlabelled.labelDim, unlabelled.sampleShape]).toEqual([0, [1, 4, 4]]);
  });

  it("gives the same samples when there is no room to keep them all", async () => {
    const kept = await openSamples(fixture("edm.zip"));
    for (const cacheBytes of [0, 400]) {
      const lazy = await openSamples(fixture("edm.zip"), { cacheBytes });
      for (let pass = 0; pass < 2; pass++) {
        const order = [5, 0, 3, 3, 1];
        expect(await lazy.read(order)).toEqual(await kept.read(order));
      }
      expect(lazy.length).toBe(6);
    }
  });

  it("keeps grey images grey, and asks when colour appears among them", async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture("kinds/grey.png"), join(folder, "a.png"));
    expect((await openSamples(folder)).sampleShape).toEqual([1, 8, 8]);
    copyFileSync(fixture("kinds/colour.png"), join(folder, "b.png"));
    await expect(openSamples(folder)).rejects.toThrow(
      /b\.png is a colour image among grey ones: choose the channels/,
    );
    expect((await openSamples(folder, { channels: 1 })).sampleShape).toEqual([1, 8, 8]);
  });
});

describe("CIFAR", () => {
  it("reads CIFAR-10 from the tar.gz and CIFAR-100 from a folder", async () => {
    const records = (await referenceArrays("cifar-expected.npz"))["records"]!.data;
    const ten = await openSamples(fixture("cifar-10-binary.tar.gz"));
    expect([ten.length, ten.sampleShape, ten.labelDim, ten.classNames?.[9]]).toEqual([
      4,
      [3, 32, 32],
      10,
      "class9",
    ]);
    expect(await allClasses(ten)).toEqual([6, 9, 0, 2]);
    const { samples } = await ten.read([0, 1, 2, 3]);
    expect(Uint8Array.from(samples, (value) => Math.round((value + 1) * 127.5))).toEqual(records);
    const test = await openSamples(fixture("cifar-10-binary.tar.gz"), { split: "test", resolution: 16 });
    expect([test.length, test.sampleShape]).toEqual([1, [3, 16, 16]]);
    const hundred = await openSamples(fixture("cifar-100-binary"));
    expect([hundred.length, await allClasses(hundred)]).toEqual([2, [90, 91]]);
    expect((await openSamples(fixture("cifar-100-binary/train.bin"))).length).toBe(2);
  });
});

describe(".npz and .npy", () => {
  it("reads both layouts, floats by their range, classes and rows", async () => {
    const four = six.subarray(0, 4 * 192);
    const nhwc = await openSamples(fixture("nhwc.npz"));
    expect([await allPixels(nhwc), await allClasses(nhwc)]).toEqual([four, [2, 0, 1, 2]]);
    const nchw = await openSamples(fixture("nchw-float.npz"));
    expect([await allPixels(nchw), await allClasses(nchw)]).toEqual([four, [0, 1, 2, 3]]);
    const grey = await openSamples(fixture("grey-unit.npz"));
    expect(grey.sampleShape).toEqual([1, 8, 8]);
    expect(await allPixels(grey)).toEqual(four.filter((_, index) => index % 3 === 0));
  });

  it("reads points as they are", async () => {
    const points = await openSamples(fixture("points.npz"));
    expect([points.sampleShape, points.length, points.labelDim]).toEqual([[2], 7, 7]);
    const stored = (await referenceArrays("points.npz"))["samples"]!.data;
    expect((await points.read([6, 0])).samples).toEqual(
      Float32Array.of(stored[12]!, stored[13]!, stored[0]!, stored[1]!),
    );
  });

  it("says what an array it cannot read needs", async () => {
    await expect(openSamples(fixture("fortran.npz"))).rejects.toThrow(
      /images\.npy is in Fortran order.*ascontiguous/,
    );
    await expect(openSamples(fixture("half.npy"))).rejects.toThrow(/type <f2, which is not supported/);
  });

  it("writes what it reads, the data at a multiple of 64 bytes", () => {
    for (const [data, shape] of [
      [Uint8Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]],
      [Float32Array.of(0.5, -1), [2]],
    ] as const) {
      const bytes = formatNpy(data, shape);
      expect((bytes.length - data.byteLength) % 64).toBe(0);
      expect(parseNpy(bytes, "array")).toEqual({ shape: [...shape], data });
    }
    expect(parseNpy(formatNpy(BigInt64Array.of(-7n), [1]), "array").data).toEqual(Float64Array.of(-7));
  });
});

describe("fingerprints", () => {
  it("depend on the content and the form, not on the name", async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture("edm.zip"), join(folder, "copy.zip"));
    const of = async (...request: Parameters<typeof openSamples>) =>
      (await openSamples(...request)).fingerprint();
    const original = await of(fixture("edm.zip"));
    expect(original).toMatch(/^[0-9a-f]{64}$/);
    expect(await of(join(folder, "copy.zip"))).toBe(original);
    expect(await of(fixture("edm.zip"), { resolution: 4 })).not.toBe(original);
    expect(await of(fixture("edm.zip"), { labels: false })).not.toBe(original);
    expect(await of(fixture("edm.zip"), { cacheBytes: 0 })).toMatch(/^[0-9a-f]{64}$/);
  });
});
