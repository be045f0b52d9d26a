import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { noGrad, readSafetensors, setNumThreads, writeSafetensors } from "@disback/torch";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writePngFolder } from "../../src/data/output/png.js";
import { readAutoencoder } from "../../src/import/read-autoencoder.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { loadAutoencoder } from "../../src/models/autoencoder/storage.js";
import { loadModel } from "../../src/models/config.js";
import { distillationJob } from "../../src/runs/jobs/distillation.js";
import { evaluateModel } from "../../src/runs/jobs/evaluation.js";
import { startJob } from "../../src/runs/jobs/job.js";
import { drawSamples } from "../../src/runs/jobs/sampling.js";
import { teacherJob } from "../../src/runs/jobs/teacher.js";
import { importTeacher } from "../../src/runs/jobs/teacher-import.js";
import { silent } from "../../src/runs/progress.js";
import { distillSchema } from "../../src/runs/settings/distillation.js";
import { evaluateSchema, sampleSchema } from "../../src/runs/settings/sampling.js";
import { teacherSchema } from "../../src/runs/settings/teacher.js";
import { relativeError } from "../models/fixtures.js";

setNumThreads(1);
// Two of the tests are whole runs.
vi.setConfig({ testTimeout: 240_000 });
const pipeline = fileURLToPath(new URL("../fixtures/diffusers/dit", import.meta.url));
const { tensors: outputs } = readSafetensors(join(pipeline, "outputs.safetensors"));
const value = (name: string) => outputs.get(name)!;

let base: string;
let teacher: string;
let images: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-latent-"));
  vi.stubEnv("XDG_CACHE_HOME", join(base, "cache"));
  teacher = join(base, "teacher");
  images = join(base, "images");
  for (const kind of ["bag", "coat", "shoe"]) await writePngFolder(join(images, kind), value("images"), 0);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const run = (name: string) => ({ folder: join(base, name), force: false, version: "0", progress: silent });
/** Everything small: what is tested is that the parts meet. */
const evaluation = { every: 2, samples: 4, batchSize: 4, grid: 4, teacherSteps: 1 };
const common = { data: "", evaluation, checkpoints: { every: 2 } };

/** Width and height of a picture. */
async function sizeOf(path: string): Promise<number[]> {
  const { width, height } = await sharp(path).metadata();
  return [width, height];
}

/** A copy of the pipeline's folder with something changed. */
function changed(name: string, file: string, change: (config: Record<string, unknown>) => object): string {
  const folder = join(base, name);
  cpSync(pipeline, folder, { recursive: true });
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))));
  return folder;
}

describe("a diffusers folder with DiT and AutoencoderKL", () => {
  it("gives the original's estimates, latents and images", async () => {
    const { denoiser, autoencoder, config, className } = await readTeacher(pipeline);
    expect(className).toBe("DiTTransformer2DModel");
    expect(config).toMatchObject({ network: "dit", labelDim: 3, learnedVariance: true, sigmaData: 1 });
    const clean = noGrad(() => denoiser.denoise(value("x"), value("sigma"), { class: value("labels") }));
    expect(relativeError(clean, value("clean"))).toBeLessThan(1e-4);
    // The last sample has no class.
    const last = [value("x").narrow(0, 2, 1), value("sigma").narrow(0, 2, 1)] as const;
    const unconditional = noGrad(() => denoiser.denoise(...last));
    expect(relativeError(unconditional, value("clean").narrow(0, 2, 1))).toBeLessThan(1e-4);
    expect(relativeError(autoencoder!.decode(value("latents")), value("images"))).toBeLessThan(1e-4);
    expect(relativeError(autoencoder!.encode(value("images")), value("encoded"))).toBeLessThan(1e-4);
  });

  it("is imported with a decoded grid", async () => {
    const imported = await importTeacher(pipeline, {
      ...{ out: teacher, samples: 4, steps: 2, seed: 0, device: "cpu", force: false, progress: silent },
    });
    expect(imported.autoencoder).toMatchObject({ latentChannels: 4, scalingFactor: 0.5 });
    // Four images of 32 x 32, not of 8 x 8.
    expect((await sizeOf(imported.grid!))[0]).toBeGreaterThanOrEqual(64);
    expect(loadModel(teacher).config.labelDim).toBe(3);
    expect(
      relativeError(loadAutoencoder(join(teacher, "autoencoder")).decode(value("latents")), value("images")),
    ).toBeLessThan(1e-4);
  });

  it("is distilled to a student that draws images, with guidance and real data", async () => {
    const settings = distillSchema.parse({
      ...{
        ...common,
        data: images,
        teacher,
        student: "untrained",
        method: "disback",
        recording: { steps: 2, batchSize: 2 },
        imitation: { steps: 1, batchSize: 2 },
      },
      backtracking: {
        ...{ iterations: 2, batchSize: 2, objective: "dmd2", guidance: 1.5, dmd2: { realSamples: 6 } },
      },
      evaluation: { ...evaluation, extractor: "cifar10-jpeg-32-classifier" },
    });
    const { figures } = await startJob(distillationJob, settings, run("run"));
    expect(figures["fidEnd"]).toBeGreaterThan(0);
    const out = join(base, "samples.png");
    await drawSamples(sampleSchema.parse({ model: join(base, "run"), count: 1 }), {
      ...{ out, force: false, progress: silent },
    });
    expect((await sizeOf(out))[0]).toBeGreaterThanOrEqual(32);
    expect(existsSync(join(base, "run", "student", "autoencoder", "model.safetensors"))).toBe(true);
  });

  it("is judged by decoded samples, guided", async () => {
    const judged = await evaluateModel(
      evaluateSchema.parse({
        model: teacher,
        count: 4,
        steps: 1,
        guidance: 2,
        data: images,
        metrics: ["fid"],
      }),
      silent,
    );
    expect(judged.figures["evaluations"]).toBe(2);
    expect(judged.figures["fid"]).toBeGreaterThan(0);
  });

  it.each<[string, string, object, RegExp]>([
    [
      "transformer/config.json",
      "patches",
      { patch_size: 3 },
      /transformer\/config\.json: "sample_size": must be a multiple of patch_size \(3\)/,
    ],
    [
      "transformer/config.json",
      "activation",
      { activation_fn: "geglu" },
      /transformer\/config\.json: "activation_fn"/,
    ],
    [
      "transformer/config.json",
      "output",
      { out_channels: 5 },
      /transformer\/config\.json: "out_channels": must be in_channels \(4\)/,
    ],
    [
      "transformer/config.json",
      "layers",
      { num_layers: 3 },
      /transformer\/diffusion_pytorch_model\.safetensors.*(larger than|missing weights)/,
    ],
    [
      "vae/config.json",
      "mean",
      { latents_mean: [0, 0, 0, 0] },
      /vae\/config\.json: "latents_mean": .* is not supported/,
    ],
    [
      "vae/config.json",
      "block",
      { down_block_types: ["AttnDownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"] },
      /vae\/config\.json: "down_block_types\.0": only DownEncoderBlock2D/,
    ],
    [
      "vae/config.json",
      "latents",
      { latent_channels: 3 },
      /vae\/(config\.json|diffusion_pytorch_model\.safetensors): .*(latent|shape)/,
    ],
  ])("%s with another %s is refused, naming file and field", async (file, name, fields, message) => {
    const folder = changed(name, file, (config) => ({ ...config, ...fields }));
    await expect(readTeacher(folder)).rejects.toThrow(message);
  });

  it("names a missing weight of the autoencoder", async () => {
    const folder = changed("missing", "vae/config.json", (config) => config);
    const path = join(folder, "vae", "diffusion_pytorch_model.safetensors");
    const { tensors } = readSafetensors(path);
    const kept = new Map([...tensors].filter(([key]) => key !== "decoder.conv_in.bias"));
    writeSafetensors(`${path}.new`, kept);
    cpSync(`${path}.new`, path);
    await expect(readTeacher(folder)).rejects.toThrow(`${path}: missing weights: decoder.conv_in.bias`);
  });
});

describe("a teacher of latents", () => {
  it("is trained on encoded images and shown decoded", async () => {
    const notices: string[] = [];
    const settings = teacherSchema.parse({
      ...{ ...common, data: images, autoencoder: pipeline },
      model: {
        network: "dit",
        imageResolution: 8,
        imageChannels: 4,
        layers: 1,
        heads: 1,
        channelsPerHead: 8,
        sigmaData: 0.05,
      },
      training: { iterations: 2, batchSize: 4 },
    });
    const progress = { ...silent, notice: (line: string) => notices.push(line) };
    await startJob(teacherJob, settings, { ...run("latent"), progress });
    expect(notices.join("\n")).toMatch(/latents' standard deviation is .*"model\.sigmaData" is 0\.05/);
    const saved = loadAutoencoder(join(base, "latent", "teacher", "autoencoder"));
    const given = await readAutoencoder(pipeline);
    expect(relativeError(saved.encode(value("images")), given.encode(value("images")))).toBeLessThan(1e-6);
    const out = join(base, "teacher.npz");
    await drawSamples(sampleSchema.parse({ model: join(base, "latent"), count: 2, steps: 1 }), {
      ...{ out, force: false, progress: silent },
    });
    expect(existsSync(out)).toBe(true);
  });

  it("refuses to mirror latents, and a model of other channels", async () => {
    const settings = (model: object, training: object) =>
      teacherSchema.parse({
        ...{ ...common, data: images, autoencoder: pipeline },
        model: { network: "dit", imageResolution: 8, imageChannels: 4, ...model },
        training,
      });
    await expect(startJob(teacherJob, settings({}, { flip: true }), run("flip"))).rejects.toThrow(
      '"training.flip"',
    );
    await expect(startJob(teacherJob, settings({ imageChannels: 3 }, {}), run("channels"))).rejects.toThrow(
      "the network's samples are [3, 8, 8], the autoencoder's latents have 4 channels",
    );
  });
});
