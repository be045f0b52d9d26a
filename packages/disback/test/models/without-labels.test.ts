import { Generator, ones, randn, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser, parseDenoiserConfig, withoutLabels } from "../../src/models/config.js";
import { fill, readCases, relativeError } from "./fixtures.js";

const sizes = { imageResolution: 8, imageChannels: 2, modelChannels: 8, channelMultipliers: [1, 2] };
const unet = { ...sizes, blocksPerResolution: 1, attentionResolutions: [4], labelDim: 5, labelDropout: 0.1 };

describe("a denoiser without its labels", () => {
  it.each([
    ["song-unet", { network: "song-unet", ...unet, augmentDim: 3 }],
    ["dhariwal-unet", { network: "dhariwal-unet", ...unet, channelsPerHead: 8 }],
    ["iddpm", { network: "dhariwal-unet", ...unet, channelsPerHead: 8, preconditioning: "iddpm" }],
    [
      "dit",
      { network: "dit", imageResolution: 8, imageChannels: 2, layers: 2, channelsPerHead: 4, labelDim: 5 },
    ],
    ["mlp", { network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 2, labelDim: 5 }],
  ] as const)("%s answers as the conditional one does without a label", (_, given) => {
    const config = parseDenoiserConfig(given);
    const denoiser = createDenoiser(config, { generator: new Generator(0) }).eval();
    fill(denoiser, 3);
    const part = withoutLabels({ denoiser, config });
    expect(part.config).toEqual({ ...config, labelDim: 0, labelDropout: 0 });
    const shape = config.network === "mlp" ? [6, 2] : [6, 2, 8, 8];
    const generator = new Generator(1);
    const x = randn(shape, { generator });
    const sigma = randn([6], { generator }).exp();
    const expected = denoiser.denoise(x, sigma, { class: zeros([6, 5]) });
    expect(relativeError(part.denoiser.denoise(x, sigma), expected)).toBeLessThan(2e-6);
    // The labels do make a difference to the conditional one.
    expect(relativeError(denoiser.denoise(x, sigma, { class: ones([6, 5]) }), expected)).toBeGreaterThan(
      1e-3,
    );
    expect(() => part.denoiser.denoise(x, sigma, { class: zeros([6, 5]) })).toThrow(/has no classes/);
  });

  it("agrees with the original implementation asked with zero labels", () => {
    const { cases, value } = readCases("song-unet");
    const labelled = cases.filter((of) => value(of, "labels"));
    expect(labelled.length).toBeGreaterThan(0);
    for (const of of labelled) {
      const config = parseDenoiserConfig(of.config);
      const denoiser = createDenoiser(config, { generator: new Generator(0) }).eval();
      for (const [key, buffer] of denoiser.namedBuffers()) buffer.copy_(value(of, `buffer.${key}`)!);
      fill(denoiser, of.seed);
      const [x, sigma, augment] = ["x", "sigma", "augment"].map((name) => value(of, name));
      const expected = denoiser.denoise(x!, sigma!, undefined, augment);
      const part = withoutLabels({ denoiser, config });
      expect(relativeError(part.denoiser.denoise(x!, sigma!, undefined, augment), expected)).toBeLessThan(
        2e-6,
      );
    }
  });
});
