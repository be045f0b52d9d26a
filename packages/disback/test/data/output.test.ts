import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromTypedArray, type Tensor, tensor } from "@disback/torch";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { gridPng, writeGrid } from "../../src/data/output/grid.js";
import { writeNpz } from "../../src/data/output/npz.js";
import { writePng, writePngFolder } from "../../src/data/output/png.js";
import { scatterSvg, writeScatter } from "../../src/data/output/scatter.js";
import { toUint8Images } from "../../src/data/output/uint8-images.js";
import { allPixels, fixture, referenceArrays, temporaryFolder } from "./fixtures.js";

const six = (await referenceArrays("six.npz"))["six"]!.data as Uint8Array;

async function sixImages(): Promise<Tensor> {
  const dataset = await openDataset(fixture("edm.zip"));
  return (await dataset.batch([0, 1, 2, 3, 4, 5])).samples;
}

async function pixelsOf(path: string | Buffer) {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    data,
    width: info.width,
    height: info.height,
    at: (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)],
  };
}

describe("toUint8Images", () => {
  it("is the inverse of reading, for every byte and dtype", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const floats = Float32Array.from(bytes, (byte) => byte / 127.5 - 1);
    const samples = fromTypedArray(floats, [1, 1, 16, 16]);
    expect(toUint8Images(samples)).toEqual({ data: bytes, count: 1, height: 16, width: 16, channels: 1 });
    expect(toUint8Images(samples.double()).data).toEqual(bytes);
  });

  it("cuts what is beyond, makes NaN black, and puts channels last", async () => {
    const values = tensor([-3, -1, 0, 0.999, 1, 7, Number.NaN, Number.POSITIVE_INFINITY]);
    expect([...toUint8Images(values.reshape([1, 1, 2, 4])).data]).toEqual([0, 0, 128, 255, 255, 255, 0, 255]);
    expect(toUint8Images(await sixImages()).data).toEqual(six);
    expect(() => toUint8Images(tensor([[1, 2]]))).toThrow("samples of shape [1, 2] are not images");
  });
});

describe("PNG files", () => {
  it("hold the exact pixels, grey ones as grey", async () => {
    const folder = temporaryFolder();
    await writePngFolder(join(folder, "new"), await sixImages(), 8);
    const names = ["000008.png", "000009.png", "000010.png", "000011.png", "000012.png", "000013.png"];
    expect(readdirSync(join(folder, "new")).sort()).toEqual(names);
    expect(await allPixels(await openDataset(join(folder, "new")))).toEqual(six);
    const grey = join(folder, "grey", "a.png");
    await writePng(grey, fromTypedArray(Float32Array.of(-1, 1, 0, -1), [1, 2, 2]));
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect([...(await allPixels(await openDataset(join(folder, "grey"))))]).toEqual([0, 255, 128, 0]);
  });

  it("cannot be written: one line, nothing left behind", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    const image = fromTypedArray(new Float32Array(4), [1, 2, 2]);
    await expect(writePng(join(folder, "file", "a.png"), image)).rejects.toThrow(/^cannot write .*a\.png \(/);
    mkdirSync(join(folder, "taken.png"));
    await expect(writePng(join(folder, "taken.png"), image)).rejects.toThrow(/^cannot write/);
    expect(readdirSync(folder).sort()).toEqual(["file", "taken.png"]);
  });
});

describe("grid", () => {
  it("enlarges by repetition, with gaps, row by row", async () => {
    const png = await gridPng(toUint8Images(await sixImages()), { columns: 4, scale: 3, padding: 2 });
    const { width, height, at } = await pixelsOf(png);
    expect([width, height]).toEqual([2 + 4 * 26, 2 + 2 * 26]);
    const pixel = (image: number, x: number, y: number) => [
      ...six.subarray((image * 64 + y * 8 + x) * 3, (image * 64 + y * 8 + x) * 3 + 3),
    ];
    for (const [image, left, top] of [
      [0, 2, 2],
      [3, 80, 2],
      [5, 28, 28],
    ] as const)
      for (const [x, y] of [
        [0, 0],
        [7, 0],
        [3, 5],
        [7, 7],
      ] as const) {
        expect(at(left + 3 * x, top + 3 * y)).toEqual(pixel(image, x, y));
        expect(at(left + 3 * x + 2, top + 3 * y + 2)).toEqual(pixel(image, x, y));
      }
    for (const [x, y] of [
      [0, 0],
      [26, 10],
      [105, 53],
      [60, 40],
    ] as const)
      expect(at(x, y)).toEqual([255, 255, 255]);
  });

  it("adds a title row, and shows small images at 64 pixels", async () => {
    const folder = temporaryFolder();
    await writeGrid(join(folder, "plain.png"), await sixImages());
    await writeGrid(join(folder, "titled.png"), await sixImages(), { title: "Step 10 <FID & more>" });
    const plain = await pixelsOf(join(folder, "plain.png"));
    const titled = await pixelsOf(join(folder, "titled.png"));
    expect([plain.width, plain.height]).toEqual([4 + 3 * 68, 4 + 2 * 68]);
    expect(titled.height).toBe(plain.height + 28);
    expect(titled.data.subarray(28 * 3 * titled.width)).toEqual(plain.data);
  });

  it("names options that are none", async () => {
    const images = toUint8Images(await sixImages());
    await expect(gridPng(images, { columns: 0 })).rejects.toThrow(
      "grid: columns must be a whole number from 1, not 0",
    );
    await expect(gridPng(images, { scale: 1000 })).rejects.toThrow(/too large/);
  });
});

describe(".npz", () => {
  it("is read back, images with labels and points", async () => {
    const folder = temporaryFolder();
    const images = join(folder, "images.npz");
    await writeNpz(images, await sixImages(), [2, 0, 1, 1, 0, 2]);
    const dataset = await openDataset(images);
    expect(await allPixels(dataset)).toEqual(six);
    expect([...(await dataset.read([0])).labels!]).toEqual([0, 0, 1]);
    const points = join(folder, "points.npz");
    await writeNpz(
      points,
      tensor([
        [0.5, -2],
        [1, 3],
      ]),
    );
    expect([...(await (await openDataset(points)).read([1, 0])).samples]).toEqual([1, 3, 0.5, -2]);
    await writeNpz(join(folder, "again.npz"), await sixImages(), [2, 0, 1, 1, 0, 2]);
    expect(readFileSync(join(folder, "again.npz"))).toEqual(readFileSync(images));
    await expect(writeNpz(join(folder, "c.npz"), await sixImages(), [1])).rejects.toThrow(
      /1 labels for 6 samples/,
    );
    expect(existsSync(join(folder, "c.npz"))).toBe(false);
  });
});

describe("scatter", () => {
  it("draws points where they belong on fixed axes, and leaves out those beyond", async () => {
    const path = join(temporaryFolder(), "points.png");
    const samples = tensor([
      [0.75, 0.75],
      [9, 9],
      [Number.NaN, 0],
    ]);
    await writeScatter(path, samples, { size: 240, reference: tensor([[-0.75, -0.75]]) });
    const { width, height, at } = await pixelsOf(path);
    expect([width, height]).toEqual([240, 240]);
    const [red, , blue] = at(180, 60);
    expect(blue! - red!).toBeGreaterThan(50);
    const [r, g, b] = at(60, 180);
    expect(Math.max(r!, g!, b!) - Math.min(r!, g!, b!)).toBeLessThan(5);
    expect(r).toBeLessThan(225);
    expect(scatterSvg([9, 9], []).match(/<circle/g)).toBeNull();
    expect(scatterSvg([0, 0], [], { title: "a < b" })).toContain("a &#60; b");
    await expect(writeScatter(path, tensor([1, 2]))).rejects.toThrow(/not points of the plane \[N, 2\]/);
  });
});
