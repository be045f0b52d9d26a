// The networks that timings are taken with, as folders of a configuration and weights.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, noGrad, randn, scope } from "@disback/torch";
import { createDenoiser, saveModel } from "disback/models";

const shipped = (name) =>
  fileURLToPath(new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url));

const made = {
  // EDM's network for CIFAR-10, 56 million parameters; without dropout, whose masks depend on the order of memory.
  "ddpm++": {
    network: "song-unet",
    imageResolution: 32,
    imageChannels: 3,
    modelChannels: 128,
    channelMultipliers: [2, 2, 2],
    dropout: 0,
  },
  // DiT-S/2 (Peebles and Xie 2023, table 1) for latents of pictures of 256 x 256, 33 million parameters.
  dit: { network: "dit", imageResolution: 32, imageChannels: 4, labelDim: 10 },
  // The network of Stable Diffusion 1 with a quarter of its channels, 54 million parameters, for pictures of 256 x 256.
  "unet-2d-condition": unet2DCondition({ channels: [80, 160, 320, 320], textChannels: 192 }),
};

function unet2DCondition({ channels: widths, textChannels }) {
  const level = (channels, attention, blocks) => ({
    ...{ channels, attention, heads: 8, textChannels },
    transformerLayers: Array(blocks).fill(1),
  });
  const attended = widths.map((_, index) => index < widths.length - 1);
  return {
    ...{ network: "unet-2d-condition", imageResolution: 32, imageChannels: 4 },
    ...{ centerInput: false, cosineFirst: true, frequencyShift: 0, embeddingChannels: 4 * widths[0] },
    down: widths.map((width, index) => level(width, attended[index], 2)),
    middle: { ...level(widths.at(-1), true, 1), scale: 1 },
    up: widths.map((width, index) => level(width, attended[index], 3)).reverse(),
    ...{ downsamplePadding: 1, dropout: 0, normalizationGroups: 16, normalizationEps: 1e-5 },
    ...{ scaleShift: false, linearProjection: false, added: null },
  };
}

/** Names for the flag --network. */
export const networkNames = ["fashion-mnist-16", ...Object.keys(made)];

/** @returns a folder: a shipped teacher's, or one made in `temporary` with random weights */
export function networkNamed(name, temporary) {
  if (name === "fashion-mnist-16") return shipped(name);
  const config = made[name];
  if (!config) throw new Error(`--network must be ${networkNames.join(" or ")}, not ${name}`);
  const generator = new Generator(1);
  const denoiser = createDenoiser(config, { generator });
  // No layer starts near zero here: times would be the same, but there would be nothing to compare.
  noGrad(() => {
    for (const weight of denoiser.parameters().filter(({ ndim }) => ndim > 1)) {
      const [rows, ...others] = weight.shape;
      const inputs = others.reduce((product, size) => product * size, 1);
      // Each is released at once, because what remains counts as memory of the step.
      scope(() => void weight.copy_(randn([rows, ...others], { generator }).mul(inputs ** -0.5)));
    }
  });
  const folder = join(temporary, name);
  saveModel(folder, denoiser, config);
  denoiser.dispose();
  return folder;
}

/** Texts of random states, as many for each draw as there are samples; nothing for networks that take a class or none. */
export function conditionsFor({ facts }) {
  const { text } = facts.condition;
  if (!text) return undefined;
  return { draw: (count, generator) => ({ text: randn([count, ...text], { generator }) }) };
}
