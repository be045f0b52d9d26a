import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadGenerator } from "@disback/generate";
import { Generator, inferenceMode, rand, randn, readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeNpz } from "../../src/data/output/npz.js";
import { readAutoencoder } from "../../src/import/read-autoencoder.js";
import { loadAutoencoder } from "../../src/models/autoencoder/storage.js";
import { createDenoiser, loadModel, saveModel } from "../../src/models/config.js";
import { inspect } from "../../src/runs/inspect/inspect.js";
import { distillationJob } from "../../src/runs/jobs/distillation.js";
import { exportModel } from "../../src/runs/jobs/exporting.js";
import { continueJob, type Job, startJob } from "../../src/runs/jobs/job.js";
import { recordingJob } from "../../src/runs/jobs/record.js";
import { teacherJob } from "../../src/runs/jobs/teacher.js";
import { load } from "../../src/runs/load.js";
import { distillPresets, teacherPresets } from "../../src/runs/presets.js";
import { silent } from "../../src/runs/progress.js";
import { askFor } from "../../src/runs/requests.js";
import { distillSchema, recordSchema } from "../../src/runs/settings/distillation.js";
import { teacherSchema } from "../../src/runs/settings/teacher.js";
import { Interrupted } from "../../src/runs/stage.js";
import { writeStudentFile } from "../../src/runs/student-file.js";

vi.setConfig({ testTimeout: 120_000 });

let base: string;
const place = (name: string) => join(base, name);
const shared = { threads: 1, seed: 2, checkpoints: { every: 2 } };
const evaluation = { every: 3, samples: 20, grid: 9 };
const vae = { latentChannels: 2, channels: [8, 8], normalizationGroups: 4 };

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-autoencoders-"));
  const pictures = rand([40, 3, 8, 8], { generator: new Generator(1) })
    .mul(2)
    .sub(1);
  await writeNpz(place("pictures.npz"), pictures);
  await writeNpz(place("others.npz"), pictures.flip([0]));
  await trained("vae");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: jobs of different settings
async function started(job: Job<any>, out: string, settings: unknown, stop: boolean) {
  return startJob(job, settings, {
    ...{ folder: place(out), force: false, version: "0", progress: silent },
    ...(stop ? { onFolder: () => askFor(place(out), "stop") } : {}),
  });
}

const trained = (out: string, settings: object = {}, stop = false) =>
  started(
    teacherJob,
    out,
    teacherSchema.parse({
      ...{ ...shared, data: place("pictures.npz"), vae, evaluation },
      training: { iterations: 6, batchSize: 8, averageHalfLife: 20 },
      ...settings,
    }),
    stop,
  );

const distilled = (out: string, settings: object = {}, stop = false) =>
  started(
    distillationJob,
    out,
    distillSchema.parse({
      ...{ ...shared, teacher: place("vae"), data: place("pictures.npz"), half: "decoder", student: "tiny" },
      ...{ studentChannels: 4, studentBlocks: 1, evaluation: { ...evaluation, teacherSteps: 2 } },
      recording: { steps: 4, batchSize: 8 },
      backtracking: { objective: "output-matching", iterations: 6, batchSize: 8 },
      ...settings,
    }),
    stop,
  );

const weights = (folder: string) =>
  Object.fromEntries(
    [...readSafetensors(join(place(folder), "model.safetensors")).tensors].map(([key, one]) => [
      key,
      one.toArray(),
    ]),
  );
/** The parts of a tiny autoencoder's weights. */
const half = (folder: string, which: string) =>
  Object.entries(weights(folder)).filter(([key]) => key.startsWith(which));

describe("an autoencoder as a run", () => {
  it("is trained, stopped and resumed bit for bit; the report has the pictures that it reconstructs", async () => {
    await expect(trained("vae-stopped", {}, true)).rejects.toThrow(Interrupted);
    await continueJob(place("vae-stopped"), [teacherJob], { progress: silent });
    expect(weights("vae-stopped/teacher")).toEqual(weights("vae/teacher"));
    expect(existsSync(join(place("vae"), "samples", "reference.png"))).toBe(true);
    expect(readFileSync(join(place("vae"), "report.html"), "utf8")).toContain("what is reconstructed");
  });

  it("has latents with a standard deviation of 1, and is described", async () => {
    const autoencoder = loadAutoencoder(join(place("vae"), "teacher"));
    const pictures = rand([40, 3, 8, 8], { generator: new Generator(1) })
      .mul(2)
      .sub(1);
    expect(autoencoder.encode(pictures).std().item()).toBeCloseTo(1, 1);
    const { kind, facts } = await inspect(join(place("vae"), "teacher"));
    expect(kind).toBe("model: autoencoder");
    expect(facts).toContainEqual(["latents", "2 channels, 1/2 of the side"]);
  });

  it("gives the latents of another training", async () => {
    const model = {
      network: "dit",
      imageResolution: 4,
      imageChannels: 2,
      layers: 1,
      heads: 2,
      channelsPerHead: 4,
    };
    const settings = {
      vae: undefined,
      autoencoder: place("vae"),
      model,
      evaluation: { ...evaluation, teacherSteps: 2 },
    };
    await trained("latent", settings);
    expect((await load(place("latent"))).sampleShape).toEqual([3, 8, 8]);
  });

  it.each<[object, string]>([
    [{ data: "toy:ring" }, '"vae": toy:ring holds no pictures'],
    [{ conditional: true }, '"conditional": has no effect on the training of an autoencoder ("vae")'],
    [
      { resolution: 9 },
      "autoencoder: pictures of shape [3, 9, 9]; it takes 3 channels and sides of a multiple of 2",
    ],
    [{ vae: { ...vae, channels: [6] } }, "channels: 6 cannot be divided into 4 normalization groups"],
  ])("refuses %j", async (settings, problem) => {
    await expect(trained("refused", settings)).rejects.toThrow(problem);
  });

  it("draws nothing by itself", async () => {
    await expect(load(place("vae"))).rejects.toThrow("is an autoencoder, which draws nothing by itself");
  });
});

describe("a tiny autoencoder as a run", () => {
  it.each(["decoder", "encoder"])("learns the %s along a trajectory, resumed bit for bit", async (which) => {
    const settings = { half: which, method: "disback" };
    await distilled(`${which}-whole`, settings);
    await expect(distilled(`${which}-stopped`, settings, true)).rejects.toThrow(Interrupted);
    await continueJob(place(`${which}-stopped`), [distillationJob], { progress: silent });
    expect(weights(`${which}-stopped/student`)).toEqual(weights(`${which}-whole/student`));
    expect(existsSync(join(place(`${which}-whole`), "trajectory", "trajectory.json"))).toBe(true);
    expect(existsSync(join(place(`${which}-whole`), "samples", "reference.png"))).toBe(true);
  });

  it("learns its other half later", async () => {
    const sizes = { studentChannels: undefined, studentBlocks: undefined };
    await distilled("both", { ...sizes, half: "encoder", student: place("decoder-whole") });
    expect(half("both/student", "decoder")).toEqual(half("decoder-whole/student", "decoder"));
    expect(half("both/student", "encoder")).not.toEqual(half("decoder-whole/student", "encoder"));
  });

  it("is written for diffusers as its AutoencoderTiny, and the teacher as AutoencoderKL", async () => {
    for (const [source, name] of [
      ["decoder-whole/student", "AutoencoderTiny"],
      ["vae/teacher", "AutoencoderKL"],
    ] as const) {
      const out = place(`${name}-folder`);
      await exportModel(place(source), {
        format: "diffusers",
        precision: "f32",
        out,
        force: false,
        progress: silent,
      });
      const written = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
      expect(written["_class_name"]).toBe(name);
      const [ours, theirs] = [loadAutoencoder(place(source)), await readAutoencoder(out)];
      const latents = randn([2, 2, 4, 4], { generator: new Generator(3) });
      const apart = inferenceMode(() => ours.decode(latents).sub(theirs.decode(latents)).abs().max().item());
      expect(apart).toBe(0);
    }
  });

  it("takes the decoder's place in the page of a model of latents", async () => {
    const network = {
      network: "dit" as const,
      imageResolution: 4,
      imageChannels: 2,
      layers: 1,
      heads: 2,
      channelsPerHead: 4,
    };
    saveModel(place("latent-student"), createDenoiser(network, { generator: new Generator(4) }), network);
    writeStudentFile(place("latent-student"), { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] });
    cpSync(join(place("vae"), "teacher"), join(place("latent-student"), "autoencoder"), { recursive: true });
    const options = { precision: "f32", force: false, progress: silent } as const;
    const own = await exportModel(place("latent-student"), {
      ...options,
      format: "onnx",
      out: place("own.onnx"),
    });
    const out = place("site");
    const page = await exportModel(place("latent-student"), {
      ...options,
      format: "web",
      out,
      decoder: place("decoder-whole"),
    });
    expect(page.figures["bytes"]).toBeLessThan(own.figures["bytes"]!);
    const latents = randn([1, 2, 4, 4], { generator: new Generator(4) });
    const model = await loadGenerator(join(out, "model.onnx"));
    const shown = await model.fromLatents(latents.data() as Float32Array);
    const { denoiser } = loadModel(place("latent-student"));
    const tiny = loadAutoencoder(join(place("decoder-whole"), "student"));
    const drawn = inferenceMode(() =>
      tiny
        .decode(denoiser.denoise(latents.mul(2.5), randn([1]).fill_(2.5)))
        .flatten()
        .toArray(),
    ) as number[];
    expect(Math.max(...drawn.map((value, index) => Math.abs(value - shown[index]!)))).toBeLessThan(1e-4);
  });

  it.each<[object, string]>([
    [
      { student: "same" },
      '"student": of an autoencoder it must be tiny, or the folder of a tiny one, not same',
    ],
    [{ data: undefined }, '"data": an autoencoder is distilled with pictures'],
    [{ rank: 2 }, '"rank": has no effect where the teacher is an autoencoder ("half")'],
    [{ half: undefined }, '"studentBlocks": has an effect only where the teacher is an autoencoder'],
    [{ half: undefined, studentBlocks: undefined }, '"student": tiny is half of an autoencoder; give "half"'],
    [{ teacher: "fashion-mnist-16" }, 'autoencoder: expected "kl", "vq"'],
    [{ data: "toy:ring" }, '"data": toy:ring holds no pictures'],
    [{ backtracking: { objective: "dmd" } }, "dmd needs a denoiser as teacher, and this one is a generator"],
  ])("refuses %j", async (settings, problem) => {
    await expect(distilled("refused-half", settings)).rejects.toThrow(problem);
  });

  it.each<[object, string]>([
    [{ teacher: "decoder-whole" }, 'is an autoencoder of the kind "tiny"; only "kl" has tiny students'],
    [{ student: "decoder-whole", studentChannels: 8 }, '"studentChannels": 8, but'],
    [{ student: "vae" }, 'is no tiny autoencoder but a "kl"'],
  ])("refuses %j of these runs", async (settings, problem) => {
    const given = Object.entries(settings).map(([key, value]) => [
      key,
      typeof value === "string" ? place(value) : value,
    ]);
    await expect(distilled("refused-run", Object.fromEntries(given))).rejects.toThrow(problem);
  });

  it("is not recorded alone, without pictures", async () => {
    const settings = recordSchema.parse({
      ...shared,
      teacher: place("vae"),
      half: "decoder",
      student: "tiny",
    });
    await expect(started(recordingJob, "refused-record", settings, false)).rejects.toThrow(
      '"data": an autoencoder is distilled with pictures',
    );
  });

  it("has presets", () => {
    expect(teacherSchema.parse({ data: "x", ...teacherPresets["autoencoder"] }).vae).toBeDefined();
    for (const name of ["tiny-decoder", "tiny-encoder"])
      expect(distillSchema.parse({ teacher: "x", ...distillPresets[name] }).student).toBe("tiny");
  });
});
