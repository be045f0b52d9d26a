import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadGenerator } from "@disback/generate";
import { full, Generator, inferenceMode, manualSeed, ops, randn, type Tensor } from "@disback/torch";
import { beforeAll, expect, test } from "vitest";
import { exportableModel } from "../../src/export/exportable.js";
import { checkOnnx } from "../../src/export/onnx/check.js";
import { exportOnnx } from "../../src/export/onnx/export-onnx.js";
import { writeOnnxModel } from "../../src/export/onnx/write-model.js";
import { onnx } from "../../src/export/onnx.js";
import { web } from "../../src/export/web.js";
import { createDenoiser, type DenoiserConfigInput, parseDenoiserConfig } from "../../src/models/config.js";
import { DenoiserModule } from "../../src/models/denoiser.js";
import type { ModelFacts } from "../../src/models/facts.js";
import { RootMeanSquareNorm } from "../../src/models/transformers/root-mean-square.js";
import { makeInPlace } from "../../src/runs/output-place.js";
import type { Progress } from "../../src/runs/progress.js";

beforeAll(() => manualSeed(0));
const silent = { notice: () => {} } as unknown as Progress;

const image = { imageResolution: 8, imageChannels: 3, modelChannels: 8, blocksPerResolution: 1 } as const;
const networks: Record<string, DenoiserConfigInput> = {
  "DDPM++ with classes": {
    network: "song-unet",
    ...image,
    channelMultipliers: [1, 2],
    attentionResolutions: [4],
    labelDim: 5,
  },
  "NCSN++": {
    network: "song-unet",
    ...image,
    channelMultipliers: [1, 2],
    attentionResolutions: [4],
    embeddingType: "fourier",
    noiseMultiplier: 2,
    encoderType: "residual",
    decoderType: "standard",
    resampleFilter: [1, 3, 3, 1],
    preconditioning: "ve",
  },
  "skip architecture, VP": {
    network: "song-unet",
    ...image,
    channelMultipliers: [1, 2],
    encoderType: "skip",
    decoderType: "skip",
    preconditioning: "vp",
  },
  "ADM, iDDPM": {
    network: "dhariwal-unet",
    ...image,
    modelChannels: 16,
    channelMultipliers: [1, 2],
    attentionResolutions: [4],
    channelsPerHead: 16,
    labelDim: 3,
    preconditioning: "iddpm",
  },
  "DiT, discrete steps": {
    network: "dit",
    imageResolution: 8,
    imageChannels: 4,
    layers: 1,
    heads: 2,
    channelsPerHead: 8,
    labelDim: 5,
    preconditioning: "discrete",
  },
  "UNet2DModel, v": {
    network: "unet-2d",
    imageResolution: 8,
    imageChannels: 3,
    blockChannels: [8, 16],
    normalizationGroups: 4,
    downBlocks: ["DownBlock2D", "AttnDownBlock2D"],
    upBlocks: ["AttnUpBlock2D", "UpBlock2D"],
    preconditioning: "discrete",
    prediction: "v",
  },
  "points, with classes": { network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 2, labelDim: 4 },
};

/** Fresh networks end in zeros: every weight is made to matter. */
function model(config: DenoiserConfigInput, levels?: { sigmaInit: number; laterSigmas?: number[] }) {
  const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
  inferenceMode(() => {
    for (const weight of denoiser.parameters()) weight.add_(randn(weight.shape).mul(0.05));
  });
  const kind = levels && { kind: "denoiser" as const, laterSigmas: [], ...levels };
  return exportableModel(
    { module: denoiser, facts: denoiser.facts, config: parseDenoiserConfig(config) },
    kind,
  );
}

for (const [name, config] of Object.entries(networks)) {
  test(`${name}: student and denoiser equal libtorch's`, async () => {
    for (const levels of [{ sigmaInit: 2.5 }, undefined]) {
      const exportable = model(config, levels);
      const bytes = exportOnnx(exportable);
      const { difference } = await checkOnnx(bytes, exportable, { precision: "f32", threads: 1 });
      expect(difference).toBeLessThan(1e-4);
    }
  });
}

/** Restores nothing: the normalization alone, with and without a weight, over one axis and over two. */
class Normalized extends DenoiserModule {
  readonly norm = new RootMeanSquareNorm(4, 1e-3);
  readonly facts: ModelFacts = { sampleShape: [3, 4], sigmaData: 0.5, condition: {} };
  denoise(x: Tensor, sigma: Tensor): Tensor {
    const scaled = x.mul(sigma.reshape([-1, 1, 1]));
    return this.norm.forward(scaled).add(ops.rms_norm(scaled, [3, 4]));
  }
}

test("normalization by the root mean square equals libtorch's", async () => {
  const module = new Normalized().eval();
  inferenceMode(() => module.norm.weight.copy_(randn([4])));
  const kind = { kind: "denoiser" as const, laterSigmas: [], sigmaInit: 2.5 };
  const exportable = exportableModel({ module, facts: module.facts }, kind);
  const { difference } = await checkOnnx(exportOnnx(exportable), exportable, {
    precision: "f32",
    threads: 1,
  });
  expect(difference).toBeLessThan(1e-5);
});

test("a student of three steps equals libtorch's", async () => {
  const exportable = model(networks["points, with classes"]!, { sigmaInit: 2.5, laterSigmas: [1, 0.3] });
  const { difference } = await checkOnnx(exportOnnx(exportable), exportable, {
    precision: "f32",
    threads: 1,
  });
  expect(difference).toBeLessThan(1e-4);
});

test("weights beyond a limit lie in a second file beside the first", async () => {
  const folder = mkdtempSync(join(tmpdir(), "disback-onnx-"));
  const exportable = model(networks["DiT, discrete steps"]!, { sigmaInit: 2.5 });
  const out = join(folder, "student.onnx");
  const place = { out, force: false, progress: silent };
  const write = (largestFile?: number) =>
    makeInPlace(place, (path) =>
      onnx.write(exportable, path, { precision: "f32", threads: 1, ...(largestFile ? { largestFile } : {}) }),
    );
  try {
    const { facts, figures } = await write(5000);
    expect(readdirSync(folder).sort()).toEqual(["student.onnx", "student.onnx.data"]);
    const [first, second] = [out, `${out}.data`].map((file) => statSync(file).size) as [number, number];
    expect(figures.bytes).toBe(first + second);
    expect(new Map(facts).get("size")).toMatch(
      / of weights in student\.onnx\.data, which must stay beside it$/,
    );
    const { difference } = await checkOnnx(out, exportable, { precision: "f32", threads: 1 });
    expect(difference).toBeLessThan(1e-4);
    // What is there is not replaced, the second file included.
    await expect(write()).rejects.toThrow(`${out}: already there`);
    rmSync(out);
    await expect(write(5000)).rejects.toThrow(`${out}.data: already there`);
    expect(readdirSync(folder)).toEqual(["student.onnx.data"]);
    rmSync(`${out}.data`);
    await write(5000);
    rmSync(`${out}.data`);
    await expect(loadGenerator(out)).rejects.toThrow(
      `its weights are missing: ${out}.data must lie beside it`,
    );
    // A page holds one file only.
    await expect(
      web.write(exportable, join(folder, "site"), { precision: "f32", threads: 1, largestFile: 5000 }),
    ).rejects.toThrow(/too many for a browser; try --precision f16/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("half precision and 8-bit weights: smaller, near", async () => {
  const exportable = model(networks["DDPM++ with classes"]!, { sigmaInit: 2.5 });
  const sizes: number[] = [];
  for (const [precision, tolerance] of [
    ["f32", 1e-4],
    ["f16", 1e-2],
    ["int8", 0.1],
  ] as const) {
    const bytes = exportOnnx(exportable, precision);
    const { difference } = await checkOnnx(bytes, exportable, { precision, threads: 1 });
    expect(difference).toBeLessThan(tolerance);
    sizes.push(bytes.length);
  }
  expect(sizes[1]! / sizes[0]!).toBeLessThan(0.65);
  expect(sizes[2]! / sizes[0]!).toBeLessThan(0.6);
});

test("a student without classes is one function of its latents: the noise level's embedding is worked out", async () => {
  const exportable = model({ ...networks["skip architecture, VP"]! }, { sigmaInit: 2.5 });
  const denoiser = exportOnnx({ ...exportable, student: undefined });
  expect(exportOnnx(exportable).length).toBeLessThan(denoiser.length);
});

const source = (network: (x: Tensor) => Tensor) => ({
  network: (x?: Tensor) => network(x!),
  examples: (batch: number) => [full([batch, 2], 1)],
  inputNames: ["x"],
  outputName: "y",
  metadata: {},
});

test("constants may differ by rounding between batches, and by no more", () => {
  const scaled = (by: (batch: number) => number) =>
    writeOnnxModel(source((x) => x.add(full([x.shape[0]!, 1], 1).mul(by(x.shape[0]!)))));
  expect(scaled((batch) => 1 + batch * 2 ** -23).length).toBeGreaterThan(0);
  expect(() => scaled((batch) => 1 + batch * 1e-4)).toThrow("differs from sample to sample");
});

test("an operator that ONNX files are not written with is named", () => {
  expect(() => writeOnnxModel(source((x) => x.cumsum(1)))).toThrow(
    "operator cumsum cannot be written to ONNX: it is not known here",
  );
  expect(() => writeOnnxModel(source((x) => x.mul(x.shape[0]!)))).toThrow("depends on the batch size");
  expect(() => writeOnnxModel(source(() => full([2, 2], 1)))).toThrow("does not depend on its inputs");
});

test("a file that is none of ours is refused by name", async () => {
  await expect(loadGenerator(new Uint8Array([1, 2, 3]))).rejects.toThrow("not an ONNX file");
  await expect(loadGenerator(writeOnnxModel(source((x) => x.neg())))).rejects.toThrow(
    "not a model that disback export wrote",
  );
  await expect(loadGenerator("no/such.onnx")).rejects.toThrow("no/such.onnx: cannot be read");
});
