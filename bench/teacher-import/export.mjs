/**
 * Exports small networks with random weights to the layouts of NVlabs/edm and diffusers, with their outputs for fixed
 * inputs; `python load.py --edm PATH_TO_NVLABS_EDM FOLDER` loads them with the original tools and compares.
 *
 *     node export.mjs FOLDER
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  Generator,
  manualSeed,
  noGrad,
  ops,
  randn,
  setNumThreads,
  tensor,
  writeSafetensors,
} from "@disback/torch";
import { createDenoiser, parseDenoiserConfig } from "disback/models";
import { exportFormats } from "../../packages/disback/dist/export/formats.js";

setNumThreads(1);
const folder = process.argv[2];
if (!folder) throw new Error("usage: node export.mjs FOLDER");
const image = { imageResolution: 8, imageChannels: 3, labelDim: 4 };
const small = {
  modelChannels: 16,
  channelMultipliers: [1, 2],
  blocksPerResolution: 1,
  attentionResolutions: [4],
};
const song = { network: "song-unet", ...image, ...small, augmentDim: 9 };
const ncsn = {
  embeddingType: "fourier",
  noiseMultiplier: 2,
  encoderType: "residual",
  resampleFilter: [1, 3, 3, 1],
};
const adm = { network: "dhariwal-unet", ...image, ...small, modelChannels: 32 };
const unet = {
  network: "unet-2d",
  preconditioning: "discrete",
  ...image,
  blockChannels: [16, 32],
  downBlocks: ["DownBlock2D", "AttnDownBlock2D"],
  upBlocks: ["AttnUpBlock2D", "UpBlock2D"],
  normalizationGroups: 8,
};
const cases = {
  "edm-ddpmpp": ["edm", { ...song, sigmaData: 0.7 }],
  "edm-ncsnpp": ["edm", { ...song, ...ncsn, preconditioning: "ve", sigmaMax: 80 }],
  "edm-vp": ["edm", { ...song, preconditioning: "vp", betaSlope: 12 }],
  "edm-adm": ["edm", { ...adm, preconditioning: "iddpm", timesteps: 500 }],
  "edm-large": [
    "edm",
    { ...song, modelChannels: 128, channelMultipliers: [2, 2, 2], blocksPerResolution: 4 },
  ],
  "diffusers-epsilon": ["diffusers", { ...unet, learnedVariance: true }],
  "diffusers-v": ["diffusers", { ...unet, prediction: "v", betaSchedule: "cosine", scaleShift: true }],
  "diffusers-sample": [
    "diffusers",
    { ...unet, prediction: "sample", betaSchedule: "scaled-linear", dropout: 0.1 },
  ],
};
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, [format, input]] of Object.entries(cases)) {
  manualSeed(0);
  const config = parseDenoiserConfig(input);
  const generator = new Generator(1);
  const denoiser = createDenoiser(config, { generator }).eval();
  // The last convolutions of EDM's blocks start at zero: random numbers make the whole network count.
  noGrad(() => {
    for (const parameter of denoiser.parameters())
      parameter.add_(randn(parameter.shape, { generator }).mul(0.05));
  });
  const x = randn([3, 3, 8, 8], { generator });
  const sigma = tensor([0.1, 1, 10].map((level) => denoiser.roundSigma(level)));
  const labels = ops.one_hot(tensor([2, 0, 3], { dtype: "int64" }), 4).float();
  const output = noGrad(() => denoiser.denoise(x, sigma, { class: labels }));
  const steps =
    format === "diffusers" ? { steps: tensor([0.1, 1, 10].map((level) => denoiser.stepAt(level))) } : {};
  writeSafetensors(join(folder, `${name}.safetensors`), { x, sigma, labels, output, ...steps });
  await exportFormats[format].write(
    { module: denoiser, facts: denoiser.facts, config },
    join(folder, format === "edm" ? `${name}.pkl` : name),
    {},
  );
  console.log(name);
}
