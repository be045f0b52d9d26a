import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatNpy } from "../../src/data/formats/npy.js";
import { BrokenImageError, decodeImage, storedChannels } from "../../src/data/images/decode.js";
import { openSamples } from "../../src/data/open-samples.js";
import { fixture, folderOf, grey, largestDifference, referenceArrays, values } from "./fixtures.js";

const asStored = { resolution: undefined, channels: 3, channelsAsked: false } as const;
const kind = (name: string) => readFileSync(fixture(`brought/kinds/${name}`));

describe("image files that people bring", () => {
  it("give Pillow's pixels: CMYK, palettes, transparency, frames, BMP, netpbm, depths", async () => {
    const expected = Object.entries(await referenceArrays("brought/kinds-expected.npz"));
    expect(expected.length).toBeGreaterThan(40);
    for (const [name, { data, shape }] of expected) {
      const image = await decodeImage(kind(name), name, asStored);
      expect([name, image.height, image.width, image.channels]).toEqual([name, ...shape]);
      expect(largestDifference(image.data, data), name).toBe(0);
    }
  });

  it("are grey where the file has no colours", async () => {
    for (const name of ["grey.bmp", "one.bmp", "grey.pgm", "one.pbm", "one.tif", "grey-alpha.png"])
      expect([name, await storedChannels(kind(name), name)]).toEqual([name, 1]);
    for (const name of ["colour.bmp", "palette.bmp", "colour.ppm", "cmyk.jpg", "transparent.gif"])
      expect([name, await storedChannels(kind(name), name)]).toEqual([name, 3]);
  });

  it("say what was not read of them", async () => {
    const names = ["animated.gif", "animated.webp", "animated.png", "pages.tif"];
    const names2 = ["transparent.gif", "alpha.webp", "palette-transparent.png"];
    const folder = folderOf(Object.fromEntries([...names, ...names2].map((name) => [name, kind(name)])));
    const { notes } = await openSamples(folder);
    expect(notes).toEqual([
      expect.stringMatching(
        /^3 of 7 images have transparent pixels: the colours below them are read \(.*alpha\.webp, …\)/,
      ),
      expect.stringMatching(
        /^4 of 7 images have more than one frame: the first is read \(.*animated\.gif, …\)/,
      ),
    ]);
  });

  it("say that colours were turned grey, sides cut, small images enlarged", async () => {
    const photo = readFileSync(fixture("photo.png"));
    const folder = folderOf({ "a.png": photo, "b.png": await grey(7) });
    const { notes } = await openSamples(folder, { resolution: 16, channels: 1 });
    expect(notes).toEqual([
      expect.stringMatching(/^1 of 2 images have unequal sides: the centre is kept \(.*a\.png\)/),
      expect.stringMatching(/^1 of 2 images have colours: turned grey \(.*a\.png\)/),
      expect.stringMatching(/^1 of 2 images have fewer than 16 x 16 pixels: enlarged \(.*b\.png\)/),
    ]);
  });

  it("are read by what they are, whatever their ending, upper case, or none", async () => {
    const jpeg = readFileSync(fixture("kinds/colour.jpg"));
    const folder = folderOf({
      "a.JFIF": jpeg,
      "b.Jpe": jpeg,
      "c.PNG": kind("colour.bmp"),
      "d.DIB": kind("colour.bmp"),
      e: kind("colour.ppm"),
      "f.PnM": kind("colour.ppm"),
      "g.apng": kind("animated.png"),
      README: "not an image",
    });
    const source = await openSamples(folder);
    expect([source.length, source.leftOut]).toEqual([
      7,
      [{ kind: "file without an ending", count: 1, example: "README" }],
    ]);
  });

  it.each([
    ["version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", /Git LFS pointer.*git lfs pull/],
    ["<!DOCTYPE html><html>Quota exceeded</html>", /it is a web page: download it again/],
    ["", /it is empty/],
    ["\0\0\0\x18ftypheic\0\0\0\0", /it is HEIC, which cannot be read: convert it/],
    ["\xff\x0a\0\0\0\0", /it is JPEG XL/],
    ["<svg xmlns='http://www.w3.org/2000/svg'/>", /it is XML or SVG/],
  ])("are named for what they are instead: %j", async (text, message) => {
    const error = await decodeImage(Buffer.from(text, "latin1"), "a.png", asStored).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(BrokenImageError);
    expect(error.message).toMatch(message);
  });

  it("cut short anywhere, they are broken images", async () => {
    for (const name of [
      "transparent.gif",
      "rle8.bmp",
      "palette.bmp",
      "colour.bmp",
      "colour.ppm",
      "plain.ppm",
      "deep.ppm",
    ]) {
      const bytes = kind(name);
      for (let length = 2; length < bytes.length - 2; length += Math.ceil(bytes.length / 23)) {
        const result = await decodeImage(bytes.subarray(0, length), name, asStored).catch((thrown) => thrown);
        expect(result, `${name} at ${length}`).toBeInstanceOf(BrokenImageError);
      }
    }
  });

  it("that claim huge sizes are refused", async () => {
    const huge = Buffer.from(kind("colour.bmp"));
    huge.writeInt32LE(2 ** 30, 18);
    for (const [name, bytes] of [
      ["a.bmp", huge],
      ["a.ppm", Buffer.from("P6 99999 99999 255\n")],
    ] as const)
      await expect(decodeImage(bytes, name, asStored)).rejects.toThrow(/is not a readable image/);
  });
});

describe("arrays of images", () => {
  it("are resized as the same pictures in PNGs are: no black frame", async () => {
    const { photo, lanczos16, lanczos40 } = await referenceArrays("pillow-expected.npz");
    const folder = folderOf({ "photo.npy": formatNpy(photo!.data as Uint8Array, [1, 60, 84, 3]) });
    const path = join(folder, "photo.npy");
    for (const [resolution, reference] of [
      [16, lanczos16!],
      [40, lanczos40!],
    ] as const) {
      const source = await openSamples(path, { resolution });
      const { samples } = await source.read([0]);
      const bytes = Array.from({ length: samples.length }, (_, index) => {
        const [pixel, channel] = [Math.floor(index / 3), index % 3];
        return Math.round((samples[channel * resolution ** 2 + pixel]! + 1) * 127.5);
      });
      expect(largestDifference(bytes, reference.data)).toBe(0);
    }
  });

  it.each([48, 60, 96, 100, 28])("white of %i pixels stays white at every size", async (side) => {
    const white = formatNpy(new Uint8Array(2 * side * side * 3).fill(255), [2, side, side, 3]);
    const folder = folderOf({ "white.npy": white });
    for (const resolution of [8, 16, 32, 64])
      expect(new Set(await values(await openSamples(join(folder, "white.npy"), { resolution })))).toEqual(
        new Set([255]),
      );
  });

  it("of the MNIST family get their margin, which is said", async () => {
    expect((await openSamples(fixture("idx"), { resolution: 32 })).notes).toEqual([
      "28 x 28 is brought to 32 x 32 by a margin of 2 black pixels",
      "6 of 10 classes have no samples (2, 4, 5, 6, 7, …)",
    ]);
    expect((await openSamples(fixture("idx"), { resolution: 16 })).notes![0]).toMatch(
      /margin of 2 black pixels and averages of 2 x 2/,
    );
    expect((await openSamples(fixture("idx"), { resolution: 24 })).notes![0]).not.toMatch(/margin/);
  });
});
