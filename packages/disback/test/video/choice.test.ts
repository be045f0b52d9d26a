import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { requireFittingData } from "../../src/data/fitting.js";
import { createDenoiser } from "../../src/models/config.js";
import { likeSamples } from "../../src/runs/samples/kinds.js";
import { chooseTeacher } from "../../src/teacher/choose.js";

const open = (query: string) => openDataset(`toy:moving-digits?count=10${query}`);

describe("a teacher of clips", () => {
  it("is chosen by their size, and takes them", async () => {
    for (const query of ["", "&frames=5&size=32"]) {
      const data = await open(query);
      const { model, why } = chooseTeacher(data, "cpu");
      expect(why).toContain(`[${data.sampleShape.join(", ")}] in 10 classes: video-unet of 32 channels`);
      expect(createDenoiser(model).facts.sampleShape).toEqual(data.sampleShape);
    }
    const wide = await open("&size=80");
    expect(() => chooseTeacher(wide, "cpu")).toThrow(
      /for clips of 80 x 80 no network can be chosen; give --resolution 16 or 32, or a "model"/,
    );
  });

  it("refuses samples of other kinds in one line, and judges by clips of its own form", async () => {
    const facts = { sampleShape: [1, 8, 16, 16], labelDim: 0 };
    const ring = await openDataset("toy:ring?count=10");
    expect(() => requireFittingData(ring, facts)).toThrow(
      "toy:ring?count=10 holds points of 2 dimensions, but the model makes clips of 8 frames of 16 x 16 with 1 channels",
    );
    const shorter = await open("&frames=4");
    expect(() => requireFittingData(shorter, facts)).toThrow(/holds clips of 4 frames of 16 x 16/);
    expect(likeSamples({ shownShape: [3, 6, 32, 32] })).toEqual({ channels: 3, frames: 6, resolution: 32 });
  });
});
