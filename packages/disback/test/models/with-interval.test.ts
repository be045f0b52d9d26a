import { Generator, ones, randn, tensor } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { withInterval } from "../../src/models/with-interval.js";

const image = { imageResolution: 8, imageChannels: 1, modelChannels: 8, channelMultipliers: [1, 2] };
const small = { blocksPerResolution: 1, attentionResolutions: [], dropout: 0, augmentDim: 2 };

describe("withInterval", () => {
  test.each([
    { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1, labelDim: 3 },
    { network: "song-unet", ...image, ...small },
    { network: "dhariwal-unet", ...image, ...small, channelsPerHead: 8 },
  ])("$network: a copy with one more label, which starts without effect", (value) => {
    const config = parseDenoiserConfig(value, "test");
    const denoiser = createDenoiser(config, { generator: new Generator(1) });
    for (const weight of denoiser.parameters()) weight.detach().add_(0.1);
    const wide = withInterval(denoiser, config);
    const before = "augmentDim" in value ? 2 : 0;
    expect((wide.config as { augmentDim?: number }).augmentDim).toBe(before + 1);
    const x = randn([4, ...denoiser.facts.sampleShape], { generator: new Generator(2) });
    const sigma = tensor([0.1, 0.5, 2, 10]);
    const plain = denoiser.denoise(x, sigma).data();
    expect(wide.denoiser.denoise(x, sigma).data()).toEqual(plain);
    const labels = ones([4, before + 1]).mul(before > 0 ? 0 : 1);
    expect(wide.denoiser.denoise(x, sigma, undefined, labels).data()).toEqual(plain);
    // Its weight can learn.
    wide.denoiser.stateDict().get("model.map_augment.weight")!.detach().fill_(0.3);
    const told = wide.denoiser.denoise(x, sigma, undefined, ones([4, before + 1])).data();
    expect(told).not.toEqual(plain);
    expect(wide.denoiser.denoise(x, sigma).data()).toEqual(plain);
  });

  test("says which networks take an interval", () => {
    const config = parseDenoiserConfig({ network: "dit", imageResolution: 4, imageChannels: 1, layers: 1 });
    expect(() => withInterval(createDenoiser(config), config)).toThrow(
      /mlp, song-unet or dhariwal-unet, not dit/,
    );
  });
});
