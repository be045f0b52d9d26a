import { Generator, noGrad, ops, randn, tensor } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { LowRankDenoiser } from "../../src/models/adapters/low-rank-denoiser.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";

const image = { imageResolution: 8, imageChannels: 1, labelDim: 0 };
const levels = { ...image, channelMultipliers: [1, 2], blocksPerResolution: 2, attentionResolutions: [] };
/** The shapes of the features of two samples at every depth. */
const networks = [
  [
    { network: "song-unet", ...levels, modelChannels: 8, dropout: 0 },
    [
      [2, 8, 8, 8],
      [2, 16, 4, 4],
    ],
  ],
  [
    { network: "dhariwal-unet", ...levels, modelChannels: 8, channelsPerHead: 8, dropout: 0 },
    [
      [2, 8, 8, 8],
      [2, 16, 4, 4],
    ],
  ],
  [
    { network: "dit", ...image, patchSize: 2, layers: 3, heads: 2, channelsPerHead: 4 },
    [
      [2, 8, 4, 4],
      [2, 8, 4, 4],
      [2, 8, 4, 4],
    ],
  ],
  [
    { network: "mlp", dimension: 3, hiddenChannels: 8, blocks: 2, labelDim: 0 },
    [
      [2, 8],
      [2, 8],
    ],
  ],
] as const;

describe.each(networks)("%o", (shape, expected) => {
  const denoiser = createDenoiser(parseDenoiserConfig(shape, "test"), { generator: new Generator(1) });
  const random = new Generator(4);
  // Blocks that start without an effect get one.
  noGrad(() => {
    for (const weight of denoiser.parameters())
      weight.add_(randn(weight.shape, { generator: random }).mul(0.1));
  });
  const x = randn([2, ...denoiser.facts.sampleShape], { generator: new Generator(2) });
  const sigma = tensor([0.4, 3]);
  const layers = noGrad(() => denoiser.layerFeatures(x, sigma));

  test("has features at every depth, those of its narrowest place among them", () => {
    expect(layers.map((one) => one.shape)).toEqual(expected);
    const narrowest = noGrad(() => denoiser.features(x, sigma));
    expect(
      layers.filter((one) => one.shape.join() === narrowest.shape.join() && ops.equal(one, narrowest)),
    ).toHaveLength(1);
  });

  test("shows them through adapters too", () => {
    const adapted = new LowRankDenoiser(denoiser, { generator: new Generator(3) });
    const seen = noGrad(() => adapted.layerFeatures(x, sigma));
    expect(seen.map((one, depth) => ops.equal(one, layers[depth]!))).toEqual(layers.map(() => true));
  });
});
