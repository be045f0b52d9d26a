import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatNpy } from "../../src/data/formats/npy.js";
import { describeLeftOut } from "../../src/data/left-out.js";
import { openSamples } from "../../src/data/open-samples.js";
import { npzParts } from "../../src/data/output/npz.js";
import {
  allClasses,
  allPixels,
  type FileTree,
  fixture,
  folderOf,
  referenceArrays,
  tarOf,
  temporaryFolder,
} from "./fixtures.js";

const brought = (name: string): string => fixture(`brought/${name}`);
const bytesOf = (name: string): Buffer => readFileSync(brought(name));

describe("Parquet of Hugging Face", () => {
  it("gives images, named classes and captions, by split", async () => {
    const images = (await referenceArrays("brought/hub-expected.npz"))["images"]!.data as Uint8Array;
    for (const folder of ["hub", "hub/data"]) {
      const train = await openSamples(brought(folder));
      expect(await allPixels(train)).toEqual(images.subarray(0, 5 * 192));
      expect([train.classNames, await allClasses(train), train.captions?.[4]]).toEqual([
        ["cat", "dog", "owl"],
        [0, 1, 2, 0, 1],
        "picture 4",
      ]);
      expect(describeLeftOut(train)).toMatch(/1 file of other splits \(.*test-.*\), 2 columns \(id, …\)$/);
    }
    const test = await openSamples(brought("hub"), { split: "test" });
    expect([test.length, await allClasses(test), test.classCounts]).toEqual([1, [2], [0, 0, 1]]);
    await expect(openSamples(brought("hub"), { split: "val" })).rejects.toThrow(/\(found: test, train\)/);
  });

  it("gives a single file, plain bytes, and labels that are names", async () => {
    const data = await openSamples(brought("plain.parquet"));
    expect([data.sampleShape, data.classNames, await allClasses(data)]).toEqual([
      [3, 8, 8],
      ["a", "b"],
      [1, 0, 1],
    ]);
    const unlabelled = await openSamples(brought("plain.parquet"), { labels: false });
    expect(unlabelled.labelDim).toBe(0);
  });

  it("that is damaged or cut short is refused, naming it", async () => {
    const whole = bytesOf("plain.parquet");
    for (let length = 5; length < whole.length; length += 97) {
      const folder = folderOf({ "x.parquet": whole.subarray(0, length) });
      await expect(openSamples(folder), `${length}`).rejects.toThrow(/x\.parquet is a damaged Parquet file/);
    }
    const limits = { totalBytes: 300 };
    await expect(openSamples(brought("plain.parquet"), { limits })).rejects.toThrow(
      /take more than 300 bytes/,
    );
  });
});

describe("CIFAR's Python versions", () => {
  const files = ["data_batch_1", "data_batch_2", "test_batch", "batches.meta"];
  const ten: FileTree = Object.fromEntries(
    files.map((name) => [`cifar-10-batches-py/${name}`, bytesOf(`cifar-10-batches-py/${name}`)]),
  );

  it("are read from a folder, the folder above it, a tar and a single file", async () => {
    const records = (await referenceArrays("brought/cifar-expected.npz"))["records"]!.data as Uint8Array;
    const above = folderOf({ ...ten, "cifar-10-batches-py/readme.html": "x" });
    for (const source of [brought("cifar-10-batches-py"), above, await tarOf(ten, "cifar-10-python.tar")]) {
      const train = await openSamples(source);
      expect([train.classNames?.[9], await allClasses(train)]).toEqual(["truck", [6, 9, 0, 2]]);
      const { samples } = await train.read([0, 1, 2, 3]);
      expect(Uint8Array.from(samples, (value) => Math.round((value + 1) * 127.5))).toEqual(
        records.subarray(0, 4 * 3072),
      );
      expect(await allClasses(await openSamples(source, { split: "test" }))).toEqual([7]);
    }
    expect(describeLeftOut(await openSamples(above))).toBe(
      "left out: 1 .html (cifar-10-batches-py/readme.html)",
    );
    const one = await openSamples(brought("cifar-10-batches-py/data_batch_2"));
    expect([await allClasses(one), one.classNames?.[0]]).toEqual([[0, 2], "airplane"]);
  });

  it("of CIFAR-100 give the fine labels", async () => {
    const data = await openSamples(brought("cifar-100-python"));
    expect([data.labelDim, await allClasses(data), data.classNames?.[99]]).toEqual([100, [99, 3], "fine99"]);
    expect(data.notes![0]).toBe("the labels are CIFAR-100's 100 fine ones; its 20 coarse ones are not used");
  });

  it("run nothing", async () => {
    const evil = Buffer.from("cos\nsystem\n(S'touch x'\ntR.");
    await expect(openSamples(folderOf({ data_batch_1: evil }))).rejects.toThrow(
      /os\.system.*nothing was run/,
    );
  });
});

function idx(shape: number[], data: ArrayLike<number>): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head[2] = 8;
  head[3] = shape.length;
  for (const [place, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * place);
  return Buffer.concat([head, Uint8Array.from(data)]);
}
const six = idx([6, 28, 28], new Uint8Array(6 * 784));
const labels = (...values: number[]): Buffer => idx([values.length], values);

describe("IDX under its usual names", () => {
  it("with dots, gzipped or not, in a folder and below it", async () => {
    const dots: FileTree = {
      "MNIST/raw/train-images.idx3-ubyte": six,
      "MNIST/raw/train-labels.idx1-ubyte": labels(0, 1, 2, 0, 1, 2),
      "MNIST/raw/t10k-images.idx3-ubyte.gz": gzipSync(six),
      "MNIST/raw/t10k-labels-idx1-ubyte.gz": gzipSync(labels(2, 1, 0, 2, 1, 0)),
      "MNIST/raw/notes.md": "x",
    };
    const folder = folderOf(dots);
    for (const source of [
      folder,
      join(folder, "MNIST/raw"),
      join(folder, "MNIST/raw/train-images.idx3-ubyte"),
    ])
      expect(await allClasses(await openSamples(source))).toEqual([0, 1, 2, 0, 1, 2]);
    expect(await allClasses(await openSamples(folder, { split: "test" }))).toEqual([2, 1, 0, 2, 1, 0]);
    expect(describeLeftOut(await openSamples(folder))).toBe("left out: 1 .md (MNIST/raw/notes.md)");
  });

  it("EMNIST's letters count from 1: no empty class, names of letters, and both are said", async () => {
    const name = "emnist-letters-train-images-idx3-ubyte";
    const folder = folderOf({
      [name]: six,
      "emnist-letters-train-labels-idx1-ubyte": labels(1, 2, 3, 1, 2, 26),
    });
    for (const source of [folder, join(folder, name)]) {
      const data = await openSamples(source);
      expect([data.labelDim, data.classNames?.[0], await allClasses(data)]).toEqual([
        26,
        "A",
        [0, 1, 2, 0, 1, 25],
      ]);
      expect(data.notes).toContain("the labels of EMNIST letters count from 1: class 0 is A");
      expect(data.notes!.join()).toMatch(/rows and columns exchanged/);
    }
  });

  it("labels from 1 elsewhere are kept: the empty class is said", async () => {
    const folder = folderOf({
      "train-images-idx3-ubyte": six,
      "train-labels-idx1-ubyte": labels(1, 2, 1, 2, 1, 2),
    });
    const data = await openSamples(folder);
    expect([data.labelDim, data.notes]).toEqual([3, ["1 of 3 classes have no samples (0)"]]);
  });

  it("Fashion-MNIST's classes have names, by the folder", async () => {
    const folder = folderOf({
      "fashion-mnist/train-images-idx3-ubyte": six,
      "fashion-mnist/train-labels-idx1-ubyte": labels(0, 1, 2, 3, 4, 9),
    });
    expect((await openSamples(join(folder, "fashion-mnist"))).classNames?.[9]).toBe("Ankle boot");
  });

  it("several sets in one folder must be told apart; a name without labels is said", async () => {
    const two = folderOf({
      "emnist-letters-train-images-idx3-ubyte": six,
      "emnist-digits-train-images-idx3-ubyte": six,
    });
    await expect(openSamples(two)).rejects.toThrow(
      /holds 2 sets \(emnist-digits-.*emnist-letters-.*give the file/,
    );
    const odd = await openSamples(join(folderOf({ "pictures.idx": six }), "pictures.idx"));
    expect([odd.labelDim, odd.notes![0]]).toEqual([
      0,
      "pictures.idx is not a name of the MNIST family, so no file of labels was searched",
    ]);
  });
});

describe("labels of arrays", () => {
  const images = { name: "images", data: new Uint8Array(4 * 64), shape: [4, 8, 8] };
  function npz(
    ...arrays: { name: string; data: Uint8Array | Float32Array | BigInt64Array; shape: number[] }[]
  ) {
    return join(folderOf({ "a.npz": Buffer.concat(npzParts(arrays)) }), "a.npz");
  }
  const ints = (...values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);

  it.each([
    ["[N]", ints(0, 3, 1, 1), [4], 4, [0, 3, 1, 1]],
    ["[N, 1]", ints(0, 3, 1, 1), [4, 1], 4, [0, 3, 1, 1]],
    ["[N, 1] bytes", Uint8Array.of(2, 0, 1, 1), [4, 1], 3, [2, 0, 1, 1]],
    ["[1, N]", ints(0, 3, 1, 1), [1, 4], 4, [0, 3, 1, 1]],
    ["one-hot", Float32Array.of(0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0), [4, 3], 3, [2, 0, 1, 0]],
    ["floats", Float32Array.of(0, 2, 1, 1), [4], 3, [0, 2, 1, 1]],
  ] as const)("%s are classes", async (_, data, shape, dim, classes) => {
    const source = await openSamples(npz(images, { name: "labels", data, shape: [...shape] }));
    expect([source.labelDim, await allClasses(source), source.classCounts?.length]).toEqual([
      dim,
      classes,
      dim,
    ]);
  });

  it("soft rows stay rows; a column of fractions too", async () => {
    const soft = await openSamples(
      npz(images, { name: "y", data: new Float32Array(8).fill(0.5), shape: [4, 2] }),
    );
    expect([soft.labelDim, soft.classCounts]).toEqual([2, undefined]);
    const one = await openSamples(
      npz(images, { name: "y", data: Float32Array.of(0.5, 1, 2, 3), shape: [4, 1] }),
    );
    expect([one.labelDim, (await one.read([3])).labels]).toEqual([1, Float32Array.of(3)]);
  });

  it("may be names, as NumPy stores them; other arrays are counted", async () => {
    const data = await openSamples(brought("names.npz"));
    expect([data.classNames, await allClasses(data)]).toEqual([
      ["cat", "dog", "ä"],
      [1, 0, 2, 0],
    ]);
    expect(describeLeftOut(data)).toBe("left out: 1 array (ids)");
  });

  it.each([
    ["x_train", "y_train", "x_test", "y_test"],
    ["train_images", "train_labels", "test_images", "test_labels"],
    ["X_train", "Y_train", "X_test", "Y_test"],
  ])("are found by split: %s", async (x, y, otherX, otherY) => {
    const path = npz(
      { ...images, name: x },
      { name: y, data: ints(0, 1, 2, 0), shape: [4, 1] },
      { name: otherX, data: new Uint8Array(64), shape: [1, 8, 8] },
      { name: otherY, data: ints(2), shape: [1] },
    );
    const train = await openSamples(path);
    expect([train.length, await allClasses(train), describeLeftOut(train)]).toEqual([
      4,
      [0, 1, 2, 0],
      `left out: 2 arrays of the split "test" (${otherX}, …)`,
    ]);
    expect(await allClasses(await openSamples(path, { split: "test" }))).toEqual([2]);
    await expect(openSamples(path, { split: "val" })).rejects.toThrow(
      /no split "val" \(found: train, test\)/,
    );
  });

  it("may lie in a file beside", async () => {
    const numbers = formatNpy(ints(1, 0, 1, 0), [4]);
    const pixels = formatNpy(images.data, images.shape);
    for (const [x, y] of [
      ["x_train.npy", "y_train.npy"],
      ["train_images.npy", "train_labels.npy"],
    ] as const) {
      const data = await openSamples(join(folderOf({ [x]: pixels, [y]: numbers }), x));
      expect([await allClasses(data), data.notes]).toEqual([
        [1, 0, 1, 0],
        [expect.stringContaining(`the labels are those of ${y} beside it`), expect.anything()],
      ]);
    }
    const folder = folderOf({
      "kmnist-train-imgs.npz": Buffer.concat(npzParts([{ ...images, name: "arr_0" }])),
      "kmnist-train-labels.npz": Buffer.concat(
        npzParts([{ name: "arr_0", data: ints(1, 0, 1, 0), shape: [4] }]),
      ),
    });
    expect(await allClasses(await openSamples(join(folder, "kmnist-train-imgs.npz")))).toEqual([1, 0, 1, 0]);
  });

  it("with an unusual name are said to be ignored; statistics are told from data", async () => {
    const data = await openSamples(npz(images, { name: "kinds", data: ints(0, 1, 0, 1), shape: [4] }));
    expect([data.labelDim, describeLeftOut(data), data.notes![0]]).toEqual([
      0,
      "left out: 1 array (kinds)",
      expect.stringMatching(/^no labels: no array has a usual name/),
    ]);
    const copy = join(temporaryFolder(), "stats.npz");
    copyFileSync(brought("statistics.npz"), copy);
    await expect(openSamples(copy)).rejects.toThrow(/holds reference statistics \(mu, sigma\), no samples/);
  });

  it("pixels in a range that looks like another one's are said", async () => {
    const dark = Float32Array.from({ length: 256 }, (_, index) => 1.02 * (index / 255));
    const data = await openSamples(npz({ name: "images", data: dark, shape: [4, 8, 8] }));
    expect(data.notes![0]).toMatch(
      /^the pixels range from 0 to 1\.01.* and are read as 0 to 255 \(nearly black\)/,
    );
  });

  it("of truth values are black and white; flattened images are told from points", async () => {
    const stored = (await referenceArrays("brought/masks.npz"))["images"]!.data as Uint8Array;
    const masks = await openSamples(brought("masks.npz"));
    expect(await allPixels(masks)).toEqual(stored.map((value) => 255 * value));
    const flat = await openSamples(brought("flat.npz"));
    expect([flat.sampleShape, flat.notes]).toEqual([
      [64],
      ["an array of 3 x 64 is read as points: if they are images of 8 x 8, save it in that shape"],
    ]);
  });
});
