import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { requireFittingData } from "../../src/data/fitting.js";
import { DisbackError } from "../../src/errors.js";
import { fixture, folderOf, grey } from "./fixtures.js";

const pets = await openDataset(
  folderOf({
    "cat/0.png": await grey(1),
    "dog/0.png": await grey(2),
    "owl/0.png": await grey(3),
    "pig/0.png": await grey(4),
  }), // prettier-ignore
);
const ring = await openDataset("toy:ring");
const shape = [3, 8, 8];

describe("requireFittingData", () => {
  it("lets fitting data pass, and says which labels are not used", () => {
    expect(requireFittingData(pets, { sampleShape: shape, labelDim: 4 })).toEqual([]);
    expect(requireFittingData(pets, { sampleShape: shape, labelDim: 0 }, "the teacher")).toEqual([
      expect.stringMatching(/^the 4 classes \(cat, dog, owl, …\) of .* are not used: the teacher has none$/),
    ]);
  });

  it.each([
    [
      pets,
      { sampleShape: [1, 8, 8], labelDim: 4 },
      /holds colour images, but the teacher makes grey images: open it with channels 1/,
    ],
    [
      pets,
      { sampleShape: [4, 8, 8], labelDim: 4 },
      /holds colour images, but the teacher makes images of 4 channels/,
    ],
    [
      pets,
      { sampleShape: [3, 32, 32], labelDim: 4 },
      /holds images of 8 x 8, but the teacher makes 32 x 32: open it with resolution 32/,
    ],
    [
      pets,
      { sampleShape: [2], labelDim: 0 },
      /holds images \[3, 8, 8\], but the teacher makes points of 2 dimensions/,
    ],
    [
      ring,
      { sampleShape: shape, labelDim: 0 },
      /toy:ring holds points of 2 dimensions, but the teacher makes images/,
    ],
    [ring, { sampleShape: [3], labelDim: 0 }, /points of 2 dimensions, but the teacher makes points of 3/],
    [
      pets,
      { sampleShape: shape, labelDim: 10 },
      /has 4 classes \(cat, dog, owl, …\), but the teacher has 10/,
    ],
  ] as const)("refuses data that does not fit: %#", (data, facts, message) => {
    expect(() => requireFittingData(data, facts, "the teacher")).toThrow(DisbackError);
    expect(() => requireFittingData(data, facts, "the teacher")).toThrow(message);
  });

  it("refuses data without labels for a model with classes", async () => {
    const plain = await openDataset(fixture("edm-unlabelled.zip"));
    expect(() => requireFittingData(plain, { sampleShape: shape, labelDim: 10 })).toThrow(
      /has no labels, but the model has 10 classes/,
    );
  });

  it("colours asked for in grey are converted, which is said", async () => {
    const data = await openDataset(fixture("edm.zip"), { channels: 1 });
    expect(requireFittingData(data, { sampleShape: [1, 8, 8], labelDim: 3 })).toEqual([]);
    expect(data.notes[0]).toMatch(/^all 6 images have colours: turned grey/);
  });
});
