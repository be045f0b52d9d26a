// safetensors, and what is kept in them.
import { readSafetensors, readSafetensorsHeader, scope } from "@disback/torch";
import { mutateZip, unzip } from "../mutate-archive.mjs";
import { mutateBytes } from "../mutate-bytes.mjs";
import { mutateDocument, mutateJson } from "../mutate-json.mjs";
import { built, fileTarget, fixture, torchFixture } from "./files.mjs";

const { loadModel, saveModel } = await built("models/storage");
const { createDenoiser } = await built("models/create-denoiser");
const { loadReference } = await built("metrics/reference");
const { loadEdmReference } = await built("metrics/edm-reference");
const { loadClassifierExtractor } = await built("metrics/classifier-extractor");
const { inspect } = await built("runs/inspect/inspect");

const files = [
  torchFixture("reference.safetensors"),
  torchFixture("written.safetensors"),
  fixture("metrics/tinyInception.safetensors"),
]; // prettier-ignore

/** A safetensors file taken apart: its header as a document, its data. */
function partsOf(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  return { header: JSON.parse(bytes.toString("utf8", 8, 8 + length)), data: bytes.subarray(8 + length) };
}

/** A changed header with a length that fits it, or any bytes. */
export function mutateSafetensors(random, bytes) {
  if (random.chance(30)) return mutateBytes(random, bytes);
  const { header, data } = partsOf(bytes);
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  let changed = header;
  if (random.chance(50) && names.length > 0) {
    const entry = { ...header[random.pick(names)] };
    const key = random.pick(["dtype", "shape", "data_offsets"]);
    entry[key] = {
      dtype: () =>
        random.pick(["F32", "F64", "U8", "BOOL", "I64", "BF16", "F8_E5M2", "U32", "", 4, "constructor"]),
      shape: () =>
        random.pick([
          [0],
          [],
          [2 ** 31, 2 ** 31],
          [2 ** 53],
          [-1],
          [1, 1, 1, ...(entry.shape ?? [])],
          [0, 2 ** 52],
          Array(70).fill(1),
          [0.5],
          ["1"],
        ]),
      data_offsets: () =>
        random.pick([
          [0, 0],
          [0, 2 ** 53],
          [-8, 0],
          [8, 4],
          [0, data.length],
          [2 ** 52, 2 ** 52],
          [0, 4, 8],
          [1, 5],
        ]),
    }[key]();
    changed = { ...header, [random.pick(names)]: entry };
  } else if (random.chance(90)) changed = mutateDocument(random, header);
  const text = mutateJson(random, changed);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(
    random.chance(92)
      ? BigInt(text.length)
      : random.pick([
          0n,
          2n ** 64n - 1n,
          100_000_001n,
          BigInt(text.length + data.length),
          BigInt(text.length + 1),
        ]),
  );
  return Buffer.concat([length, text, random.chance(90) ? data : mutateBytes(random, data)]);
}

const modelConfigs = [
  { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 },
  {
    network: "song-unet",
    imageResolution: 8,
    imageChannels: 1,
    modelChannels: 4,
    channelMultipliers: [1, 2],
    blocksPerResolution: 1,
    attentionResolutions: [4],
    labelDim: 3,
  },
  {
    network: "dhariwal-unet",
    imageResolution: 8,
    imageChannels: 1,
    modelChannels: 4,
    channelMultipliers: [1, 2],
    blocksPerResolution: 1,
    attentionResolutions: [4],
    channelsPerHead: 4,
    preconditioning: "vp",
  },
]; // prettier-ignore
const extractorFolder = new URL(
  "../../../packages/disback/assets/extractors/fashion-mnist-16-classifier/",
  import.meta.url,
);
const edmReference = unzip(fixture("metrics/edmReference.npz"));

/** Models are made once in a process: `[{config, weights}]`. */
async function models(folder) {
  const { mkdtempSync, readFileSync } = await import("node:fs");
  return modelConfigs.map((config) => {
    const place = mkdtempSync(`${folder}/model-`);
    saveModel(place, createDenoiser(config), config);
    return {
      config: JSON.parse(readFileSync(`${place}/config.json`)),
      weights: readFileSync(`${place}/model.safetensors`),
    };
  });
}

const kinds = {
  safetensors: () => ({
    named: "mutated.safetensors",
    make: (random) => ({ "mutated.safetensors": mutateSafetensors(random, random.pick(files)) }),
    run: async (place) => {
      const path = `${place}/mutated.safetensors`;
      readSafetensorsHeader(path);
      scope(() => {
        for (const tensor of readSafetensors(path).tensors.values()) tensor.bytes();
      });
      await inspect(path);
    },
  }),
  model: async (folder) => {
    const made = await models(folder);
    return {
      named: "input",
      milliseconds: 5000,
      make: (random) => {
        const { config, weights } = random.pick(made);
        return {
          "config.json": random.chance(80) ? mutateJson(random, config) : JSON.stringify(config),
          "model.safetensors": random.chance(25) ? mutateSafetensors(random, weights) : weights,
          ...(random.chance(20)
            ? {
                "generator.json": mutateJson(random, {
                  format: "disback-generator-1",
                  kind: "one-step",
                  sigmaInit: 2.5,
                }),
              }
            : {}),
        };
      },
      run: async (place) => {
        loadModel(place).denoiser.dispose();
        await inspect(place);
      },
    };
  },
  reference: async (folder) => {
    const { mkdtempSync, readFileSync } = await import("node:fs");
    const { saveReference } = await built("metrics/reference");
    const { rand } = await import("@disback/torch");
    const path = `${mkdtempSync(`${folder}/reference-`)}/r.safetensors`;
    const statistics = { mean: rand([3]).double(), covariance: rand([3, 3]).double(), count: 5 };
    saveReference(path, {
      statistics,
      features: rand([4, 3]),
      extractor: "e",
      extractorHash: "f",
      dataset: "d",
      datasetHash: "g",
    });
    const bytes = readFileSync(path);
    return {
      named: "mutated",
      make: (random) =>
        random.chance(50)
          ? { "mutated.safetensors": mutateSafetensors(random, bytes) }
          : { "mutated.npz": mutateZip(random, edmReference, (again, { data }) => mutateBytes(again, data)) },
      run: async (place) => {
        const { existsSync } = await import("node:fs");
        if (existsSync(`${place}/mutated.safetensors`)) loadReference(`${place}/mutated.safetensors`);
        else await loadEdmReference(`${place}/mutated.npz`, { name: "tiny", featureDim: 4, contentHash: "" });
      },
    };
  },
  extractor: async () => {
    const { readFileSync } = await import("node:fs");
    const config = JSON.parse(readFileSync(new URL("config.json", extractorFolder)));
    const weights = readFileSync(new URL("model.safetensors", extractorFolder));
    return {
      named: "input",
      milliseconds: 5000,
      make: (random) => ({
        "config.json": random.chance(90) ? mutateJson(random, config) : JSON.stringify(config),
        "model.safetensors": random.chance(20) ? mutateSafetensors(random, weights) : weights,
      }),
      run: (place) => loadClassifierExtractor(place).dispose(),
    };
  },
};

export const open = async (name, folder) => fileTarget(folder, await kinds[name](folder));
