import { Generator, noGrad, randn, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { fill, readCases, relativeError } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

describe("the network for clips", () => {
  const { cases, value } = readCases("video-dit");

  it.each(cases)("$name: keys, output and gradients are those of diffusers' blocks", (of) => {
    const network = createDenoiser(of.config, { generator: new Generator(0) }).model;
    compareWithOriginal(of, value, network, (x) =>
      network.forward(x, value(of, "noise")!, value(of, "labels")!),
    );
  });

  it("sees neighbouring frames: a change in one reaches all, after a block over time", () => {
    const of = cases[0]!;
    const { model } = createDenoiser(of.config, { generator: new Generator(0) });
    fill(model.eval(), 3);
    const x = randn([1, 2, 3, 8, 8], { generator: new Generator(1) });
    const other = x.clone();
    other.select(2, 0).add_(1);
    const [before, after] = noGrad(() => [x, other].map((clip) => model.forward(clip, tensor([0.1]))));
    for (const frame of [0, 1, 2])
      expect(relativeError(after!.select(2, frame), before!.select(2, frame))).toBeGreaterThan(1e-3);
    expect(model.features(x, tensor([0.1])).shape).toEqual([1, 16, 6, 2]);
  });

  it("gives the same without its labels as with none", () => {
    const of = cases[1]!;
    const { model } = createDenoiser(of.config);
    fill(model.eval(), 4);
    const bare = createDenoiser({ ...of.config, labelDim: 0 }).model.eval();
    bare.loadStateDict(model.stateWithoutLabels());
    const x = randn([2, 1, 4, 4, 4], { generator: new Generator(2) });
    const [told, untold] = noGrad(() => [model, bare].map((one) => one.forward(x, tensor([0.3]))));
    expect(relativeError(untold!, told!)).toBeLessThan(1e-6);
  });

  it("names the field that does not fit", () => {
    const config = { network: "video-dit", frames: 8, imageResolution: 16, imageChannels: 1 };
    expect(() => parseDenoiserConfig({ ...config, layers: 3 })).toThrow(/layers/);
    expect(() => parseDenoiserConfig({ ...config, patchSize: 5 })).toThrow(
      "imageResolution: must be a multiple of patchSize (5)",
    );
    expect(() => parseDenoiserConfig({ ...config, frames: 1 })).toThrow(/frames/);
    expect(() => parseDenoiserConfig({ ...config, framesPerPatch: 3 })).toThrow(
      "frames: must be a multiple of framesPerPatch (3)",
    );
  });
});
