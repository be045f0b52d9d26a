import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, zeros } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { allJobs } from "../../src/runs/jobs/all.js";
import { distillationJob } from "../../src/runs/jobs/distillation.js";
import { evaluateModel } from "../../src/runs/jobs/evaluation.js";
import { exportModel } from "../../src/runs/jobs/exporting.js";
import { continueJob, type JobResult, startJob } from "../../src/runs/jobs/job.js";
import { drawSamples } from "../../src/runs/jobs/sampling.js";
import { openModel } from "../../src/runs/open-model.js";
import { silent } from "../../src/runs/progress.js";
import { askFor } from "../../src/runs/requests.js";
import { distillSchema } from "../../src/runs/settings/distillation.js";
import { evaluateSchema, sampleSchema } from "../../src/runs/settings/sampling.js";
import { Interrupted } from "../../src/runs/stage.js";

vi.setConfig({ testTimeout: 120_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-own-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const torch = JSON.stringify(fileURLToPath(import.meta.resolve("@disback/torch")));
/** Writes a user's file. */
const file = (name: string, text: string) => {
  const path = join(base, name);
  writeFileSync(path, text);
  return path;
};

/** The exact denoiser of a Gaussian, with two more weights; the teacher's mean is (0.4, -0.3). */
const gaussian = (mean: string, facts = "{ sampleShape: [2], sigmaData: 0.5, condition: {} }") => `
import { Module, parameter, tensor } from ${torch};
class Gaussian extends Module {
  mean = parameter(tensor(${mean}));
  denoise(x, sigma) {
    const noise = sigma.square().reshape([-1, 1]);
    return x.mul(0.25).add(noise.mul(this.mean)).div(noise.add(0.25));
  }
}
export default () => ({ module: new Gaussian(), facts: ${facts} });
`;
/** A student that is not a denoiser: a line from a latent number to points; its default export is async. */
const line = `
import { Generator, Linear, Module } from ${torch};
class Line extends Module {
  latentShape = [3];
  last = new Linear(3, 2, { generator: new Generator(0) });
  generate(latents) {
    return this.last.forward(latents);
  }
}
export default async () => ({ module: new Line(), facts: { sampleShape: [2], sigmaData: 0.5 } });
`;

/** Distills as \`disback distill\` does. */
async function distilled(out: string, settings: object, stop = false): Promise<JobResult> {
  const complete = distillSchema.parse({
    ...{ data: "toy:ring", threads: 1, seed: 2, recording: { steps: 4, batchSize: 16 } },
    backtracking: { iterations: 6, batchSize: 16, studentLearningRate: 0.05 },
    evaluation: { every: 3, samples: 50, grid: 9, teacherSteps: 2 },
    checkpoints: { every: 2 },
    ...settings,
  });
  return startJob(distillationJob, complete, {
    ...{ folder: join(base, out), force: false, version: "0", progress: silent },
    ...(stop ? { onFolder: () => askFor(join(base, out), "stop") } : {}),
  });
}
const weights = (out: string, model = "student") =>
  Object.fromEntries(
    [...readSafetensors(join(base, out, model, "model.safetensors")).tensors].map(([key, one]) => [
      key,
      one.toArray(),
    ]),
  );
const config = (out: string) => JSON.parse(readFileSync(join(base, out, "student", "config.json"), "utf8"));

describe("a teacher and a student of one's own", () => {
  it("are distilled, the weights kept beside the file's name", async () => {
    const [teacher, student] = [
      file("teacher.mjs", gaussian("[0.4, -0.3]")),
      file("student.mjs", gaussian("[-0.5, 0.5]")),
    ];
    const { figures } = await distilled("both", { teacher, student, method: "disback" });
    expect(figures).toMatchObject({ slicedWassersteinEnd: expect.any(Number) });
    expect(config("both")).toEqual({ format: "disback-module-1", module: student });
    const [x, y] = weights("both")["model.mean"] as [number, number];
    // Six steps of Adam towards the teacher, each of about 0.05, then averaged.
    expect(x).toBeGreaterThan(-0.5);
    expect(y).toBeLessThan(0.5);
    expect(existsSync(join(base, "both", "trajectory", "trajectory.json"))).toBe(true);
  });

  it("of a run are sampled, judged and exported to ONNX", async () => {
    const model = join(base, "both");
    const out = join(base, "samples.npz");
    const drawn = await drawSamples(sampleSchema.parse({ model, count: 30, seed: 4 }), {
      out,
      force: false,
      progress: silent,
    });
    expect(drawn).toMatchObject({ count: 30, evaluations: 1 });
    const judged = await evaluateModel(evaluateSchema.parse({ model, data: "toy:ring", count: 100 }), silent);
    expect(judged.figures).toMatchObject({ samples: 100, slicedWasserstein: expect.any(Number) });
    const report = await exportModel(model, {
      format: "onnx",
      out: join(base, "both.onnx"),
      force: false,
      precision: "f32",
      progress: silent,
    });
    expect(report.kind).toBe("student");
    expect(report.figures["difference"]).toBeLessThan(1e-4);
    await expect(
      exportModel(model, {
        format: "edm",
        out: join(base, "both.pkl"),
        force: false,
        precision: "f32",
        progress: silent,
      }),
    ).rejects.toThrow(/--format edm: (cannot describe your own module|only for denoisers)/);
  });

  it("the teacher by its file alone is sampled too", async () => {
    const out = join(base, "teacher.npz");
    const model = join(base, "teacher.mjs");
    const drawn = await drawSamples(sampleSchema.parse({ model, count: 5, steps: 3 }), {
      out,
      force: false,
      progress: silent,
    });
    expect(drawn.evaluations).toBe(5);
  });

  it("stopped and resumed, the student is what it would have been, bit for bit", async () => {
    const settings = {
      teacher: join(base, "teacher.mjs"),
      student: join(base, "student.mjs"),
      method: "disback",
    };
    await expect(distilled("stopped", settings, true)).rejects.toThrow(Interrupted);
    expect(existsSync(join(base, "stopped", "student"))).toBe(false);
    await continueJob(join(base, "stopped"), allJobs, { progress: silent });
    expect(weights("stopped")).toEqual(weights("both"));
    expect(weights("stopped", "student-best")).toEqual(weights("both", "student-best"));
  });

  it("by default the student is the teacher's copy, of its file", async () => {
    await distilled("copy", { teacher: join(base, "teacher.mjs") });
    expect(config("copy").module).toBe(join(base, "teacher.mjs"));
    expect(existsSync(join(base, "copy", "trajectory"))).toBe(false);
  });

  it("a student that is not a denoiser goes along a trajectory if asked to, and is opened again", async () => {
    const student = file("line.mjs", line);
    await distilled("line", { teacher: join(base, "teacher.mjs"), student, method: "disback" });
    expect(existsSync(join(base, "line", "trajectory"))).toBe(true);
    expect(JSON.parse(readFileSync(join(base, "line", "student", "generator.json"), "utf8"))).toMatchObject({
      kind: "generator",
    });
    const out = join(base, "line.npz");
    const drawn = await drawSamples(sampleSchema.parse({ model: join(base, "line"), count: 5 }), {
      out,
      force: false,
      progress: silent,
    });
    expect(drawn).toMatchObject({ count: 5, evaluations: 1 });
    const { module } = await openModel(join(base, "line"), { device: "cpu" });
    expect(module.stateDict().get("last.bias")!.toArray()).toEqual(weights("line")["last.bias"]);
  });

  it("a file that makes samples by itself is drawn, judged and exported without a run", async () => {
    const model = join(base, "line.mjs");
    const place = { force: false, progress: silent };
    const drawn = await drawSamples(sampleSchema.parse({ model, count: 4 }), {
      ...{ ...place, out: join(base, "line-alone.npz") },
    });
    expect(drawn).toMatchObject({ count: 4, evaluations: 1 });
    const judged = await evaluateModel(evaluateSchema.parse({ model, data: "toy:ring", count: 50 }), silent);
    expect(judged.figures).toMatchObject({ samples: 50, slicedWasserstein: expect.any(Number) });
    const report = await exportModel(model, {
      ...{ ...place, format: "onnx", out: join(base, "line.onnx"), precision: "f32" },
    });
    expect(report.kind).toBe("student");
    expect(report.figures["difference"]).toBeLessThan(1e-4);
  });

  it("a network of ours as student keeps the teacher's pictures, also in its folder", async () => {
    const picture = "(samples) => samples.reshape([-1, 1, 1, 2])";
    const teacher = file(
      "pictures.mjs",
      `${gaussian("[0.4, -0.3]").replace(" });\n", `, picture: ${picture} });\n`)}`,
    );
    const student = file(
      "mlp.json",
      JSON.stringify({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 }),
    );
    await distilled("pictures", { teacher, student, method: "plain" });
    const { codec, module } = await openModel(join(base, "pictures"), { device: "cpu" });
    expect(module.stateDict().size).toBeGreaterThan(2);
    expect(codec.picture!(zeros([3, 2])).shape).toEqual([3, 1, 1, 2]);
    rmSync(teacher);
    await expect(openModel(join(base, "pictures"), { device: "cpu" })).rejects.toThrow(
      `${join(base, "pictures", "student", "picture.json")}: ${teacher} is gone, which makes pictures of its samples`,
    );
  });

  it("whose file is gone since is named", async () => {
    const [path, away] = [join(base, "student.mjs"), join(base, "away.mjs")];
    renameSync(path, away);
    await expect(openModel(join(base, "both"), { device: "cpu" })).rejects.toThrow(
      `${join(base, "both", "student", "config.json")}: ${path} is gone, which makes this model; put it back or change "module"`,
    );
    renameSync(away, path);
  });

  it("whose weights no longer fit the file are named", async () => {
    const path = join(base, "student.mjs");
    const before = readFileSync(path, "utf8");
    const other = file("changed.mjs", gaussian("[1, 2, 3]", "{ sampleShape: [3], sigmaData: 0.5 }"));
    const place = join(base, "both", "student", "config.json");
    const kept = readFileSync(place, "utf8");
    writeFileSync(place, kept.replace("student.mjs", "changed.mjs"));
    await expect(openModel(join(base, "both"), { device: "cpu" })).rejects.toThrow(
      /model\.safetensors: .*model\.mean/,
    );
    writeFileSync(place, kept.replace(/"module": ".*"/, '"module": 5'));
    await expect(openModel(join(base, "both"), { device: "cpu" })).rejects.toThrow(
      `${place}: "module" must be the path of an ES module`,
    );
    writeFileSync(place, kept);
    expect(readFileSync(path, "utf8")).toBe(before);
    rmSync(other);
  });
});

describe("a file that makes no model is named, with what is wrong", () => {
  const facts = "{ sampleShape: [2], sigmaData: 0.5 }";
  const withModule = (body: string, said = facts) => `
import { Linear, Module } from ${torch};
class Mine extends Module { ${body} }
export default () => ({ module: new Mine(), facts: ${said} });`;
  const layer = "layer = new Linear(2, 2);";
  const denoise = "denoise(x) { return this.layer.forward(x); }";
  it.each([
    [
      "no default export",
      "export const a = 1;",
      "its default export must be a function that gives { module, facts }",
    ],
    ["a default export that is no function", "export default 5;", "its default export must be a function"],
    [
      "one that gives nothing",
      "export default () => undefined;",
      '"module" must be a Module of @disback/torch',
    ],
    [
      "one that gives no module",
      `export default () => ({ module: {}, facts: ${facts} });`,
      '"module" must be a Module',
    ],
    ["one that throws", 'export default () => { throw new Error("no weights\\nhere"); };', "no weights"],
    ["one that rejects", 'export default async () => { throw new Error("no weights"); };', "no weights"],
    ["a syntax error", "export default (", ""],
    ["no parameters", withModule("denoise(x) { return x; }"), "its module has no parameters"],
    [
      "neither denoise nor generate",
      withModule(layer),
      "its module has neither denoise(x, sigma, condition) nor generate(latents, condition)",
    ],
    [
      "no facts",
      withModule(layer + denoise, "undefined"),
      "facts.sampleShape must be a list of whole numbers",
    ],
    ["a wrong shape", withModule(layer + denoise, '{ sampleShape: "2", sigmaData: 1 }'), "facts.sampleShape"],
    [
      "no sigmaData",
      withModule(layer + denoise, "{ sampleShape: [2] }"),
      "facts.sigmaData must be a number above 0",
    ],
    [
      "a wrong condition",
      withModule(layer + denoise, "{ sampleShape: [2], sigmaData: 1, condition: { class: 10 } }"),
      "facts.condition must hold a shape by name",
    ],
  ])("%s", async (name, text, problem) => {
    const path = file(`${name.replaceAll(" ", "-")}.mjs`, text);
    const opening = openModel(path, { device: "cpu" });
    await expect(opening).rejects.toThrow(`${path}: ${problem}`);
    await expect(opening).rejects.toThrow(/^[^\n]+$/);
  });

  it("no such file", async () => {
    await expect(openModel(join(base, "none.mjs"), { device: "cpu" })).rejects.toThrow(
      `${join(base, "none.mjs")}: no such file`,
    );
  });

  it("facts may stand in the module itself", async () => {
    const path = file("inside.mjs", withModule(`facts = ${facts}; ${layer}${denoise}`, "undefined"));
    expect((await openModel(path, { device: "cpu" })).facts).toEqual({
      sampleShape: [2],
      sigmaData: 0.5,
      condition: {},
    });
  });

  it("a student of another kind than the teacher", async () => {
    const student = file("three.mjs", gaussian("[1, 2, 3]", "{ sampleShape: [3], sigmaData: 0.5 }"));
    await expect(distilled("three", { teacher: join(base, "teacher.mjs"), student })).rejects.toThrow(
      `${student}: makes samples of shape [3], the teacher [2]`,
    );
    await expect(
      distilled("small", { teacher: join(base, "teacher.mjs"), student: "small" }),
    ).rejects.toThrow(
      '"student": small needs to know the teacher\'s network; this teacher is your own module',
    );
  });

  it("adapters on a teacher that is a generator", async () => {
    await expect(distilled("none", { teacher: file("line-2.mjs", line), rank: 2 })).rejects.toThrow(
      /"rank": adapters stand on denoisers, and this teacher is a generator/,
    );
  });

  it("--unconditional of a model of one's own", async () => {
    const told = file(
      "told.mjs",
      gaussian("[1, 2]", "{ sampleShape: [2], sigmaData: 0.5, condition: { class: [3] } }"),
    );
    await expect(openModel(told, { device: "cpu", unconditional: true })).rejects.toThrow(
      `--unconditional: ${told} is your own module; remove the condition in it`,
    );
  });
});
