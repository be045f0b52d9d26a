// The networks that timings are taken with, as folders of a configuration and weights.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, noGrad, randn, scope } from "@disback/torch";
import { createDenoiser, saveModel } from "disback/models";

const shipped = (name) =>
  fileURLToPath(new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url));

// EDM's network for CIFAR-10, 56 million parameters; without dropout, whose masks depend on the order of memory.
const ddpmpp = {
  network: "song-unet",
  imageResolution: 32,
  imageChannels: 3,
  modelChannels: 128,
  channelMultipliers: [2, 2, 2],
  dropout: 0,
};

/** @returns a folder: a shipped teacher's, or one made in `temporary` with random weights */
export function networkNamed(name, temporary) {
  if (name === "fashion-mnist-16") return shipped(name);
  if (name !== "ddpm++") throw new Error(`--network must be fashion-mnist-16 or ddpm++, not ${name}`);
  const generator = new Generator(1);
  const denoiser = createDenoiser(ddpmpp, { generator });
  // No layer starts near zero here: times would be the same, but there would be nothing to compare.
  noGrad(() => {
    for (const weight of denoiser.parameters().filter(({ ndim }) => ndim > 1)) {
      const [rows, ...others] = weight.shape;
      const inputs = others.reduce((product, size) => product * size, 1);
      // Each is released at once, because what remains counts as memory of the step.
      scope(() => void weight.copy_(randn([rows, ...others], { generator }).mul(inputs ** -0.5)));
    }
  });
  const folder = join(temporary, "ddpmpp");
  saveModel(folder, denoiser, ddpmpp);
  denoiser.dispose();
  return folder;
}
