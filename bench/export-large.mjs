// A student of Stable Diffusion 1's size (random weights, f32) as ONNX: two files, loaded and run by ONNX Runtime.
// Takes 12 GB of memory and 4 GB of disk.   node bench/export-large.mjs [--side 16]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Generator, randn, setNumThreads } from "@disback/torch";
import { createDenoiser, exportableModel, writeOnnx } from "disback/models";
import { machine, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  // Width and height of the latents: the weights do not depend on it.
  options: { side: { type: "string", default: "16" } },
});
setNumThreads(1);
const level = (channels, blocks, attention = true) => ({
  ...{ channels, attention, heads: 8, textChannels: 768 },
  transformerLayers: Array(blocks).fill(1),
});
const channels = [320, 640, 1280, 1280];
const last = channels.length - 1;
const denoiser = createDenoiser(
  {
    ...{ network: "unet-2d-condition", imageResolution: Number(flags.side), imageChannels: 4 },
    ...{ centerInput: false, cosineFirst: true, frequencyShift: 0, embeddingChannels: 1280, dropout: 0 },
    down: channels.map((count, index) => level(count, 2, index < last)),
    middle: { ...level(channels[last], 1), scale: 1 },
    up: channels.map((count, index) => level(count, 3, index < last)).reverse(),
    ...{ downsamplePadding: 1, normalizationGroups: 32, normalizationEps: 1e-5, scaleShift: false },
    ...{ linearProjection: false, added: null, preconditioning: "discrete" },
  },
  { generator: new Generator(0) },
).eval();
const parameters = denoiser
  .parameters()
  .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
const draw = (count, generator) => ({ text: randn([count, 77, 768], { generator }) });
const model = exportableModel(
  { module: denoiser, facts: denoiser.facts, prompts: { draw } },
  { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
);
const folder = mkdtempSync(join(tmpdir(), "disback-large-"));
try {
  const path = join(folder, "student.onnx");
  const began = process.cpuUsage();
  const { figures } = await writeOnnx(model, path, { precision: "f32", threads: 1 });
  const { user, system } = process.cpuUsage(began);
  const bytes = { model: statSync(path).size, data: statSync(`${path}.data`).size };
  const results = {
    ...{ parameters, bytes, difference: figures.difference, processorSeconds: (user + system) / 1e6 },
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  printTable([["", ""], ...Object.entries(results).map(([name, value]) => [name, JSON.stringify(value)])]);
  save("export-large", { machine: machine(), settings: { side: Number(flags.side) }, results });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
