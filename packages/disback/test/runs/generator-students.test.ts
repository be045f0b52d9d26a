import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDenoiser, saveModel } from "../../src/models/config.js";
import { inspect } from "../../src/runs/inspect/inspect.js";
import { distillationJob } from "../../src/runs/jobs/distillation.js";
import { evaluateModel } from "../../src/runs/jobs/evaluation.js";
import { exportModel } from "../../src/runs/jobs/exporting.js";
import { continueJob, type JobResult, startJob } from "../../src/runs/jobs/job.js";
import { load } from "../../src/runs/load.js";
import { silent } from "../../src/runs/progress.js";
import { askFor } from "../../src/runs/requests.js";
import { distillSchema } from "../../src/runs/settings/distillation.js";
import { evaluateSchema } from "../../src/runs/settings/sampling.js";
import { Interrupted } from "../../src/runs/stage.js";

vi.setConfig({ testTimeout: 120_000 });

let base: string;
const place = (name: string) => join(base, name);
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-generators-"));
  const config = {
    ...{ network: "song-unet" as const, imageResolution: 8, imageChannels: 1, modelChannels: 8, labelDim: 3 },
    ...{ channelMultipliers: [1], blocksPerResolution: 1, attentionResolutions: [], dropout: 0 },
  };
  saveModel(place("teacher"), createDenoiser(config, { generator: new Generator(1) }), config);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Distills as `disback distill` does. */
async function distilled(out: string, settings: object, stop = false): Promise<JobResult> {
  const complete = distillSchema.parse({
    ...{ teacher: place("teacher"), threads: 1, seed: 2, latentSize: 4, studentChannels: 4 },
    recording: { steps: 4, batchSize: 16 },
    backtracking: { iterations: 6, batchSize: 16 },
    evaluation: { every: 3, samples: 50, grid: 9, teacherSteps: 2 },
    checkpoints: { every: 2 },
    ...settings,
  });
  return startJob(distillationJob, complete, {
    ...{ folder: place(out), force: false, version: "0", progress: silent },
    ...(stop ? { onFolder: () => askFor(place(out), "stop") } : {}),
  });
}
const weights = (out: string) =>
  Object.fromEntries(
    [...readSafetensors(join(place(out), "student", "model.safetensors")).tensors].map(([key, one]) => [
      key,
      one.toArray(),
    ]),
  );

describe("students that are no denoisers", () => {
  it.each(["dcgan", "fastgan"])("%s: with a trajectory, stopped and resumed bit for bit", async (student) => {
    await distilled(`${student}-whole`, { student });
    await expect(distilled(`${student}-stopped`, { student }, true)).rejects.toThrow(Interrupted);
    await continueJob(place(`${student}-stopped`), [distillationJob], { progress: silent });
    expect(weights(`${student}-stopped`)).toEqual(weights(`${student}-whole`));
  });

  it("mlp: points, judged", async () => {
    const settings = { teacher: "2d-ring", data: "toy:ring", student: "mlp", studentChannels: 16 };
    const { figures } = await distilled("points", settings);
    expect(figures).toMatchObject({ slicedWassersteinEnd: expect.any(Number) });
    const wanted = { model: place("points"), data: "toy:ring", count: 100 };
    const judged = await evaluateModel(evaluateSchema.parse(wanted), silent);
    expect(judged.figures).toMatchObject({ slicedWasserstein: expect.any(Number) });
  });

  it("is drawn from by load(), by class, and described", async () => {
    const model = await load(place("dcgan-whole"));
    const { samples, labels } = await model.generate({ count: 4, label: 1, seed: 5 });
    expect(samples.shape).toEqual([4, 1, 8, 8]);
    expect(labels).toEqual([1, 1, 1, 1]);
    const { kind, facts } = await inspect(join(place("dcgan-whole"), "student"));
    expect(kind).toBe("model: student, a generator from a vector");
    expect(facts).toContainEqual(["latents", "[4]"]);
  });

  it.each(["f32", "f16", "int8"] as const)(
    "is exported as ONNX with its small latent: %s",
    async (precision) => {
      const out = place(`${precision}.onnx`);
      const report = await exportModel(place("fastgan-whole"), {
        ...{ format: "onnx", out, force: false, precision, progress: silent },
      });
      expect(report.figures["difference"]).toBeLessThan({ f32: 1e-5, f16: 5e-3, int8: 5e-2 }[precision]);
      const model = await load(out);
      expect((await model.generate({ count: 2 })).samples.shape).toEqual([2, 1, 8, 8]);
    },
  );

  it("starts from a trained one in a folder, or from a config file", async () => {
    const sizes = { latentSize: undefined, studentChannels: undefined };
    const folder = join(place("dcgan-whole"), "student");
    await distilled("further", { ...sizes, student: folder, method: "plain" });
    expect(weights("further")["main.0.weight"]).not.toEqual(weights("dcgan-whole")["main.0.weight"]);
    const file = place("own.json");
    const config = {
      network: "dcgan",
      latentSize: 3,
      modelChannels: 2,
      imageResolution: 8,
      imageChannels: 1,
    };
    writeFileSync(file, JSON.stringify({ ...config, labelDim: 3 }));
    await distilled("from-file", { ...sizes, student: file, method: "plain" });
    expect((weights("from-file")["main.0.weight"] as unknown[]).length).toBe(6);
  });

  it.each<[object, string]>([
    [{ student: "mlp" }, '"student": mlp makes points, and this teacher samples of shape [1, 8, 8]'],
    [
      { student: "dcgan", teacher: "2d-ring" },
      '"student": dcgan makes square pictures, and this teacher samples of shape [2]; use mlp',
    ],
    [
      { student: "untrained" },
      '"latentSize" has no effect on the student "untrained", only on dcgan, fastgan, mlp',
    ],
    [{ student: "dcgam" }, '"latentSize" has no effect on the student "dcgam"'],
    [{ student: "dcgan", studentSteps: 2 }, '"studentSteps": a student that is not a denoiser'],
  ])("refuses %j", async (settings, problem) => {
    await expect(distilled("refused", settings)).rejects.toThrow(problem);
  });
});

describe("a GAN as the teacher", () => {
  const gan = fileURLToPath(new URL("../fixtures/import/gan.tar", import.meta.url));
  const sizes = { teacher: gan, latentSize: undefined, studentChannels: undefined };
  const adversarial = { outputMatching: { adversarialWeight: 0.1, discriminatorChannels: 4 } };
  const backtracking = { iterations: 6, batchSize: 16, objective: "output-matching", ...adversarial };

  it("is drawn from by its file", async () => {
    const model = await load(gan);
    expect((await model.generate({ count: 2, seed: 7 })).samples.shape).toEqual([2, 3, 32, 32]);
  });

  it("is followed along a trajectory of its outputs, stopped and resumed bit for bit", async () => {
    const settings = { ...sizes, student: "small", method: "disback", backtracking };
    await distilled("gan-whole", settings);
    await expect(distilled("gan-stopped", settings, true)).rejects.toThrow(Interrupted);
    await continueJob(place("gan-stopped"), [distillationJob], { progress: silent });
    expect(weights("gan-stopped")).toEqual(weights("gan-whole"));
    expect(existsSync(join(place("gan-whole"), "trajectory", "trajectory.json"))).toBe(true);
  });

  it.each<[object, string]>([
    [{ student: "fastgan", latentSize: 5 }, '"student": fastgan takes latents [5], the teacher [6]'],
    [{ student: "small", rank: 4 }, '"rank": adapters stand on denoisers'],
    [
      { student: "small", backtracking: { objective: "dmd" } },
      "dmd needs a denoiser as teacher, and this one is a generator",
    ],
    [
      { student: "small", backtracking: { guidance: 2 } },
      '"backtracking.guidance": has no effect on a teacher that is no denoiser',
    ],
    [
      { student: "small", imitation: { when: "always" }, method: "plain" },
      "imitation: the student is not a denoiser",
    ],
    [
      { teacher: "2d-ring", student: "same", backtracking: { objective: "output-matching" } },
      "output-matching is for teachers that are no denoisers",
    ],
  ])("refuses %j", async (settings, problem) => {
    await expect(distilled("refused-gan", { ...sizes, ...settings })).rejects.toThrow(problem);
  });
});
