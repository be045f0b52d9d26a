import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fromTypedArray, inferenceMode, type Tensor } from "@disback/torch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { inspect } from "../../src/runs/inspect/inspect.js";
import { evaluateModel } from "../../src/runs/jobs/evaluation.js";
import { exportModel } from "../../src/runs/jobs/exporting.js";
import { openNetworks } from "../../src/runs/jobs/networks.js";
import { drawSamples } from "../../src/runs/jobs/sampling.js";
import { load } from "../../src/runs/load.js";
import { silent } from "../../src/runs/progress.js";
import { evaluateSchema, sampleSchema } from "../../src/runs/settings/sampling.js";
import { disback, interrupted } from "../cli/command.js";

// The tutorial docs/galaxies.md on a teacher of the same kind, tiny and with random weights: nothing is downloaded.
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/galaxies/${name}`, import.meta.url));
const { readScoreNet, ScoreDenoiser } = await import(
  new URL("../../../../bench/galaxies/score-net.mjs", import.meta.url).href
);
const [teacher, vector] = [fixture("tiny.mjs"), fixture("vector.mjs")];
const folder = mkdtempSync(join(tmpdir(), "disback-galaxies-"));
const place = (name: string) => join(folder, name);
const data = place("data.npz");
const progress = silent;
const short = ["--teacher", teacher, "--data", data, "--batch-size", "8", "--quiet"];
const judged = [
  "evaluation.every=2",
  "evaluation.samples=20",
  "evaluation.teacherSteps=3",
  "evaluation.grid=4",
];

const draw = (model: string, out: string, count: number) =>
  drawSamples(sampleSchema.parse({ model, count, seed: 1, steps: model === teacher ? 6 : undefined }), {
    ...{ out: place(out), force: false, progress },
  });
const evaluate = async (model: string) => {
  const settings = { model, data, count: 40, seed: 1, steps: model === teacher ? 6 : undefined };
  return (await evaluateModel(evaluateSchema.parse(settings), progress)).figures.slicedWasserstein as number;
};
const exported = (source: string, out: string) =>
  exportModel(source, { format: "onnx", precision: "f32", out: place(out), force: false, progress });
const done = (...flags: string[]) => {
  const { status, stderr } = disback(...flags);
  expect(status, stderr).toBe(0);
};

beforeAll(async () => {
  await draw(teacher, "data.npz", 40);
  done("distill", ...short, "--iterations", "4", "--set", ...judged, "--out", place("run"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = (values: unknown): Tensor => {
  const flat = (values as unknown[]).flat(3) as number[];
  const shape: number[] = [];
  for (let level = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  return fromTypedArray(Float32Array.from(flat), shape);
};

it("the score network equals NumPy's, and the denoiser is Tweedie's formula of it", () => {
  const { x, t, score } = JSON.parse(readFileSync(fixture("tiny.json"), "utf8"));
  const network = readScoreNet(fixture("tiny.eqx"));
  const [image, time, expected] = [numbers(x), numbers(t), numbers(score)];
  const close = (ours: Tensor, theirs: Tensor) =>
    expect(ours.sub(theirs).abs().max().item()).toBeLessThan(1e-5 * theirs.abs().max().item());
  inferenceMode(() => {
    close(network.forward(image, time), expected);
    // x_t = a (x_0 + sigma n), and E[x_0 | x_t] = (x_t + (1 - a^2) score) / a with a = e^(-t/2).
    const a = time.mul(-0.5).exp().reshape([-1, 1, 1, 1]);
    const noisy = image.div(a);
    const clean = image.add(expected.mul(a.square().neg().add(1))).div(a);
    const sigma = time.double().exp().sub(1).sqrt().float();
    close(new ScoreDenoiser(network).denoise(noisy, sigma), clean);
  });
});

it("samples are kept as the values they are", async () => {
  const { sampleShape, length } = await openDataset(data, { values: true });
  expect([length, ...sampleShape]).toEqual([40, 1, 8, 8]);
  const { samples } = await (await openDataset(data, { values: true })).batch([0, 1]);
  expect(samples.abs().max().item()).toBeGreaterThan(1);
});

it("a copy of the teacher is trained, judged by the distance of its values, and shown", async () => {
  const { result } = JSON.parse(readFileSync(place("run/run.json"), "utf8"));
  expect(result.slicedWassersteinEnd).toBeGreaterThan(0);
  expect(result.slicedWassersteinEnd).not.toBe(result.slicedWassersteinStart);
  expect(existsSync(place("run/samples/reference.png"))).toBe(true);
  // The same student from other latents: of the same order.
  expect((await evaluate(place("run"))) / result.slicedWassersteinEnd).toBeCloseTo(1, 0);
  await draw(place("run"), "pictures", 3);
  expect(readdirSync(place("pictures"))).toHaveLength(3);
  expect((await inspect(place("run/student"))).kind).toBe("model: student of your own, a denoiser");
});

it("a discriminator sees the features that the module shows", () => {
  const flags = ["--objective", "ladd", "--iterations", "2"];
  done("distill", ...short, ...flags, "--out", place("discriminated"), "--set", ...judged);
  const { result } = JSON.parse(readFileSync(place("discriminated/run.json"), "utf8"));
  expect(result.slicedWassersteinEnd).toBeGreaterThan(0);
});

it("the same samples again are at no distance", async () => {
  expect(await evaluate(teacher)).toBe(0);
});

it("teacher and student are exported to ONNX: the time that is joined to each sample does not hinder", async () => {
  expect((await exported(teacher, "teacher.onnx")).figures.difference).toBeLessThan(1e-4);
  expect((await exported(place("run"), "student.onnx")).figures.difference).toBeLessThan(1e-4);
});

it("a student of one's own from a vector: trajectory, training, samples, export", async () => {
  const out = place("vector");
  const flags = [
    "--student",
    vector,
    "--method",
    "disback",
    "--record-steps",
    "4",
    "--iterations",
    "4",
    "--out",
    out,
  ];
  done("distill", ...short, ...flags, "--set", ...judged, "recording.batchSize=8");
  expect(existsSync(join(out, "trajectory", "trajectory.json"))).toBe(true);
  await draw(out, "vector.npz", 5);
  expect((await exported(out, "vector.onnx")).figures.difference).toBeLessThan(1e-5);
  const model = await load(place("vector.onnx"));
  expect((await model.generate({ count: 3 })).samples.shape).toEqual([3, 1, 8, 8]);
});

it("a picture that is no function is refused by the file's name", async () => {
  const file = place("no-picture.mjs");
  const own = JSON.stringify(pathToFileURL(teacher).href);
  writeFileSync(file, `import open from ${own};\nexport default () => ({ ...open(), picture: "grey" });\n`);
  await expect(load(file)).rejects.toThrow(`${file}: "picture" must be a function`);
});

it("an untrained student's own weights follow the seed", async () => {
  const weights = async (seed: number) => {
    const networks = { teacher, student: vector, unconditional: false, seed, device: "cpu" };
    const { student } = await openNetworks(
      { ...networks, ...{ precision: "f32", tf32: false, activationCheckpointing: false } },
      () => {},
    );
    return student.module.parameters()[0]!;
  };
  const first = await weights(1);
  expect((await weights(1)).equal(first)).toBe(true);
  expect((await weights(2)).equal(first)).toBe(false);
});

it("a run that was stopped goes on", async () => {
  const out = place("stopped");
  const checkpoints = ["--checkpoint-every", "10", "--set", "evaluation.every=1000", "evaluation.samples=20"];
  const stopped = await interrupted(
    ["distill", ...short, "--iterations", "100", ...checkpoints, "evaluation.teacher=false", "--out", out],
    "SIGINT",
    () => existsSync(join(out, "checkpoints", "00000010")),
  );
  expect(stopped.stderr).toContain("continue with: disback resume");
  expect(existsSync(join(out, "student"))).toBe(false);
  done("resume", out, "--quiet");
  expect(existsSync(join(out, "student", "model.safetensors"))).toBe(true);
});

it("compare takes teacher and student by their modules", () => {
  const settings = [...judged, "backtracking.batchSize=8", "recording.steps=4", "recording.batchSize=8"];
  done(
    ...["compare", "--teacher", teacher, "--students", vector, "--seeds", "1", "--data", data],
    ...["--iterations", "2", "--set", ...settings.map((one) => `common.${one}`), "--out", place("compared")],
  );
  expect(readFileSync(place("compared/compare.html"), "utf8")).toContain("vector.mjs");
});
