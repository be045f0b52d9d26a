import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadGenerator } from "@disback/generate";
import { Generator, inferenceMode, manualSeed, randn, type Tensor, writeSafetensors } from "@disback/torch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportableModel } from "../../src/export/exportable.js";
import { onnx } from "../../src/export/onnx.js";
import { describeTinyAutoencoder } from "../../src/import/diffusers/autoencoder-tiny.js";
import { buildAutoencoder } from "../../src/models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../src/models/autoencoder/autoencoder-config.js";
import { saveAutoencoder } from "../../src/models/autoencoder/storage.js";
import { TinyAutoencoder } from "../../src/models/autoencoder-tiny/autoencoder-tiny.js";
import { createDenoiser, type DenoiserConfigInput, loadModel, saveModel } from "../../src/models/config.js";
import { randomWeights } from "../../src/models/weights.js";
import { type ExportOptions, exportModel } from "../../src/runs/jobs/exporting.js";
import { type DrawingOptions, openDrawer } from "../../src/runs/sample-drawer.js";
import { writeStudentFile } from "../../src/runs/student-file.js";

const network: DenoiserConfigInput = {
  network: "dit",
  imageResolution: 8,
  imageChannels: 4,
  layers: 1,
  heads: 2,
  channelsPerHead: 8,
};
const tinyConfig = {
  _class_name: "AutoencoderTiny",
  encoder_block_out_channels: [8, 8],
  decoder_block_out_channels: [8, 8],
  num_encoder_blocks: [1, 1],
  num_decoder_blocks: [1, 1],
};
const base = mkdtempSync(join(tmpdir(), "disback-latents-"));
const [teacher, student, tiny] = ["teacher", "student", "tiny"].map((name) => join(base, name)) as [
  string,
  string,
  string,
];
const random = randomWeights(new Generator(1));
const smallDecoder = new TinyAutoencoder(
  random,
  describeTinyAutoencoder({ config: tinyConfig, configPath: "" }),
);

beforeAll(() => {
  manualSeed(0);
  const denoiser = createDenoiser(network, { generator: new Generator(2) }).eval();
  const kl = { autoencoder: "kl", imageChannels: 3, latentChannels: 4, channels: [8, 8], blocksPerLevel: 1 };
  const autoencoder = buildAutoencoder(parseAutoencoderConfig({ ...kl, normalizationGroups: 4 }), random);
  inferenceMode(() => {
    for (const weight of denoiser.parameters()) weight.add_(randn(weight.shape).mul(0.1));
  });
  saveModel(teacher, denoiser, network);
  saveAutoencoder(join(teacher, "autoencoder"), autoencoder);
  cpSync(teacher, student, { recursive: true });
  writeStudentFile(student, { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] });
  mkdirSync(tiny);
  writeFileSync(join(tiny, "config.json"), JSON.stringify(tinyConfig));
  writeSafetensors(join(tiny, "diffusion_pytorch_model.safetensors"), smallDecoder.stateDict());
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function exported(source: string, name: string, options: Partial<ExportOptions> = {}) {
  const progress = { notice: () => {} } as unknown as ExportOptions["progress"];
  const all = { format: "onnx", precision: "f32", threads: 1, force: false, progress } as const;
  const out = join(base, name);
  return exportModel(source, { ...all, out, ...options }).then((report) => ({ out, report }));
}

const drawing: DrawingOptions = {
  ...{ seed: 4, device: "cpu", sampler: "heun" },
  ...{ sigmaMin: 0.002, sigmaMax: 80, rho: 7 },
};

function difference(values: Float32Array, expected: Tensor): number {
  const other = expected.data() as Float32Array;
  expect(values.length).toBe(other.length);
  return values.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0);
}

test("a student of latents draws the pictures that its autoencoder makes of them", async () => {
  const { out } = await exported(student, "student.onnx");
  const model = await loadGenerator(out);
  expect(model.description).toMatchObject({ sampleShape: [3, 16, 16], latentShape: [4, 8, 8] });
  const { values } = await model.sample({ count: 3, seed: 4 });
  const { samples } = (await openDrawer(student, drawing)).draw(3);
  expect(difference(values, samples)).toBeLessThan(1e-4);
  expect((await model.generate({ count: 1 })).pixels.length).toBe(16 * 16 * 3);
});

test("--decoder puts a small one of diffusers in its place", async () => {
  const { out, report } = await exported(student, "small.onnx", { decoder: tiny });
  const model = await loadGenerator(out);
  const latents = randn([1, 4, 8, 8], { generator: new Generator(4) });
  const values = await model.fromLatents(latents.data() as Float32Array);
  const { denoiser } = loadModel(student);
  const drawn = inferenceMode(() =>
    smallDecoder.decode(denoiser.denoise(latents.mul(2.5), randn([1]).fill_(2.5))),
  );
  expect(difference(values, drawn)).toBeLessThan(1e-4);
  expect(report.figures.bytes).toBeGreaterThan(0);
  await expect(exported("2d-ring", "x.onnx", { decoder: tiny })).rejects.toThrow(
    "--decoder: 2d-ring makes its samples itself, so there is nothing to decode",
  );
  await expect(exported(student, "x.safetensors", { decoder: tiny, format: "safetensors" })).rejects.toThrow(
    "--decoder: only for the formats onnx and web, not safetensors",
  );
});

test("a teacher of latents has its decoder in a file beside it, and no page", async () => {
  const { out, report } = await exported(teacher, "teacher.onnx");
  expect(new Map(report.facts).get("decoder")).toMatch(/ in teacher\.decoder\.onnx: makes images/);
  const [model, decoder] = [
    await loadGenerator(out),
    await loadGenerator(join(base, "teacher.decoder.onnx")),
  ];
  const { values: latents } = await model.sample({ count: 2, seed: 4, steps: 3 });
  const { samples } = (await openDrawer(teacher, { ...drawing, steps: 3 })).draw(2);
  expect(difference(await decoder.fromLatents(latents), samples)).toBeLessThan(1e-3);
  await expect(exported(teacher, "site", { format: "web" })).rejects.toThrow(
    "--format web: a page shows no teacher of latents",
  );
  expect(readdirSync(base).filter((name) => /partial|site/.test(name))).toEqual([]);
});

test("a network that is told states of a text has them as inputs", async () => {
  const level = { channels: 8, attention: true, heads: 2, textChannels: 12, transformerLayers: [1] };
  const denoiser = createDenoiser(
    {
      ...{ network: "unet-2d-condition", imageResolution: 4, imageChannels: 4, textLength: 5 },
      ...{ centerInput: false, cosineFirst: true, frequencyShift: 0, embeddingChannels: 32, dropout: 0 },
      ...{ down: [level], middle: { ...level, scale: 1 }, up: [{ ...level, transformerLayers: [1, 1] }] },
      ...{ downsamplePadding: 1, normalizationGroups: 4, normalizationEps: 1e-5, scaleShift: false },
      ...{ linearProjection: false, added: null, preconditioning: "discrete" },
    },
    { generator: new Generator(3) },
  ).eval();
  inferenceMode(() => {
    for (const weight of denoiser.parameters()) weight.add_(randn(weight.shape).mul(0.1));
  });
  const generator = new Generator(6);
  const draw = (count: number) => ({ text: randn([count, 5, 12], { generator }) });
  const model = exportableModel(
    { module: denoiser, facts: denoiser.facts, prompts: { draw } },
    { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
  );
  const path = join(base, "told.onnx");
  await onnx.write(model, path, { precision: "f32", threads: 1 });
  const loaded = await loadGenerator(path);
  expect(loaded.description.encoded).toEqual({ text: [5, 12] });
  const latents = randn([2, 4, 4, 4], { generator });
  const condition = draw(2);
  const values = await loaded.fromLatents(latents.data() as Float32Array, {
    text: condition.text.data() as Float32Array,
  });
  expect(
    difference(
      values,
      inferenceMode(() => model.student!.generate(latents, condition)),
    ),
  ).toBeLessThan(1e-4);
  await expect(loaded.sample()).rejects.toThrow("this model is told text of an encoder: use fromLatents");
  await expect(loaded.fromLatents(latents.data() as Float32Array)).rejects.toThrow(
    'this model needs "text" [5, 12] for each of 2 samples',
  );
});
