import { Generator, noGrad, randn, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { fill, relativeError } from "./fixtures.js";

const sizes = {
  ...{
    imageResolution: 8,
    modelChannels: 8,
    channelMultipliers: [1, 2],
    blocksPerResolution: 1,
    labelDim: 3,
  },
  ...{ attentionResolutions: [], dropout: 0 },
};

describe("the U-Net for clips", () => {
  it("is DDPM++ over pictures whose channels are the clip's, then its frames", () => {
    const clips = createDenoiser({ ...sizes, network: "video-unet", frames: 5, imageChannels: 2 }).model;
    const pictures = createDenoiser({ ...sizes, network: "song-unet", imageChannels: 10 }).model;
    fill(clips.eval(), 1);
    pictures.eval().loadStateDict(clips.stateDict());
    const x = randn([2, 2, 5, 8, 8], { generator: new Generator(2) });
    const labels = tensor([
      [0, 1, 0],
      [1, 0, 0],
    ]);
    const noise = tensor([0.3, -0.2]);
    // The channel of a frame t of colour c is 5 c + t.
    const flat = x.reshape([2, 10, 8, 8]);
    const [clip, picture] = noGrad(() => [
      clips.forward(x, noise, labels),
      pictures.forward(flat, noise, labels),
    ]);
    expect(clip!.shape).toEqual(x.shape);
    for (const [colour, frame] of [
      [0, 3],
      [1, 4],
    ] as const) {
      const shown = clip!.select(1, colour).select(1, frame);
      expect(relativeError(shown, picture!.select(1, 5 * colour + frame))).toBeLessThan(1e-6);
    }
    expect(clips.features(x, noise, labels).shape).toEqual([2, 16, 4, 4]);
  });

  it("takes clips, and refuses one frame", () => {
    const config = { ...sizes, network: "video-unet", imageChannels: 1 };
    expect(createDenoiser(parseDenoiserConfig({ ...config, frames: 4 })).facts.sampleShape).toEqual([
      1, 4, 8, 8,
    ]);
    expect(() => parseDenoiserConfig({ ...config, frames: 1 })).toThrow(/frames/);
  });
});
