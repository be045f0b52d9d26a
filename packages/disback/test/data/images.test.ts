import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/data/images/decode.js";
import {
  boxAverage,
  cropAndResample,
  cropSquare,
  padSquare,
  toChannels,
} from "../../src/data/images/resize.js";
import { openSamples } from "../../src/data/open-samples.js";
import { allPixels, fixture, largestDifference, referenceArrays } from "./fixtures.js";

const asStored = { resolution: undefined, channels: 3, channelsAsked: false } as const;

describe("decoding", () => {
  it("gives Pillow's pixels for every kind of file", async () => {
    for (const [name, { data }] of Object.entries(await referenceArrays("kinds-expected.npz"))) {
      const image = await decodeImage(readFileSync(fixture(`kinds/${name}`)), name, asStored);
      expect([name, image.width, image.height, image.channels]).toEqual([name, 8, 8, 3]);
      // Decoders of JPEG may differ by a level or two.
      expect(largestDifference(image.data, data), name).toBeLessThanOrEqual(name.endsWith(".jpg") ? 2 : 0);
    }
  });
});

describe("resizing", () => {
  it("gives Pillow's centre crop and Lanczos, to the bit", async () => {
    const { lanczos16, lanczos40 } = await referenceArrays("pillow-expected.npz");
    const bytes = readFileSync(fixture("photo.png"));
    for (const [resolution, reference] of [
      [16, lanczos16!],
      [40, lanczos40!],
    ] as const) {
      const image = await decodeImage(bytes, "photo", { ...asStored, resolution });
      expect(image.data.length).toBe(resolution * resolution * 3);
      expect(largestDifference(image.data, reference.data)).toBe(0);
    }
  });

  it("matches Pillow's luma exactly", async () => {
    const { photo, luma } = await referenceArrays("pillow-expected.npz");
    const image = { data: photo!.data as Uint8Array, width: 84, height: 60, channels: 3 };
    expect(toChannels(image, 1, "photo", true).data).toEqual(luma!.data);
  });

  it("turns 28 x 28 into 32 by padding and into 16 by averaging that", async () => {
    const expected = await referenceArrays("idx-expected.npz");
    for (const [resolution, name] of [
      [32, "padded"],
      [16, "halved"],
    ] as const) {
      const source = await openSamples(fixture("idx"), { resolution });
      expect(source.sampleShape).toEqual([1, resolution, resolution]);
      expect(await allPixels(source)).toEqual(expected[name]!.data);
    }
  });

  it("crops, pads and averages by hand", () => {
    const wide = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), width: 5, height: 2, channels: 1 };
    expect([...cropSquare(wide).data]).toEqual([2, 3, 7, 8]);
    const square = { data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2, channels: 1 };
    expect([...padSquare(square, 3).data]).toEqual([1, 2, 0, 3, 4, 0, 0, 0, 0]);
    expect([...boxAverage(square, 2).data]).toEqual([3]); // 2.5 rounds up
  });

  it("keeps a grey image grey under Lanczos", () => {
    const grey = { data: new Uint8Array(64).fill(77), width: 8, height: 8, channels: 1 };
    const small = cropAndResample(grey, 5);
    expect([small.channels, small.data.length, ...new Set(small.data)]).toEqual([1, 25, 77]);
  });
});
