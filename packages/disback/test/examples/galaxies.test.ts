import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray, inferenceMode, type Tensor } from "@disback/torch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
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
const short = ["--data", data, "--iterations", "4", "--batch-size", "8", "--quiet"];
const evaluation = ["--evaluate-every", "2", "--evaluation-samples", "20"];

const done = (...flags: string[]) => {
  const outcome = disback(...flags);
  expect(outcome.stderr).not.toMatch(/error/);
  expect(outcome.status).toBe(0);
  return outcome;
};

beforeAll(() => {
  done("sample", teacher, "--count", "40", "--steps", "6", "--seed", "1", "--out", data);
  done("distill", "--teacher", teacher, ...short, ...evaluation, "--out", place("run"));
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

it("a copy of the teacher is trained, judged by the distance of its values, and shown", () => {
  const { result } = JSON.parse(readFileSync(place("run/run.json"), "utf8"));
  expect(result.slicedWassersteinEnd).toBeGreaterThan(0);
  expect(result.slicedWassersteinEnd).not.toBe(result.slicedWassersteinStart);
  expect(existsSync(place("run/samples/reference.png"))).toBe(true);
  const { stdout } = done("evaluate", place("run"), "--data", data, "--count", "20", "--json");
  // The same student from other latents: of the same order.
  const { slicedWasserstein } = JSON.parse(stdout);
  expect(slicedWasserstein / result.slicedWassersteinEnd).toBeCloseTo(1, 0);
  done("sample", place("run"), "--count", "3", "--out", place("pictures"));
  expect(readdirSync(place("pictures"))).toHaveLength(3);
  expect(done("inspect", place("run/student")).stdout).toContain("student of your own, a denoiser");
});

it("the same samples again: a teacher by its module is at no distance", () => {
  const flags = ["--data", data, "--count", "40", "--steps", "6", "--seed", "1", "--json"];
  expect(JSON.parse(done("evaluate", teacher, ...flags).stdout).slicedWasserstein).toBe(0);
});

it("teacher and student are exported to ONNX: the time that is joined to each sample does not hinder", () => {
  for (const [source, kind] of [
    [teacher, "teacher"],
    [place("run"), "student"],
  ] as const) {
    const out = place(`${kind}.onnx`);
    const report = JSON.parse(done("export", source, "--format", "onnx", "--out", out, "--json").stdout);
    expect(report).toMatchObject({ kind });
    expect(report.difference).toBeLessThan(1e-4);
  }
});

it("a student of one's own from a vector: trajectory, training, samples, export", () => {
  const out = place("vector");
  done("distill", "--teacher", teacher, "--student", vector, ...short, "--record-steps", "4", "--out", out);
  expect(existsSync(join(out, "trajectory", "trajectory.json"))).toBe(true);
  done("sample", out, "--count", "5", "--out", place("vector.npz"));
  const onnx = place("vector.onnx");
  const report = JSON.parse(done("export", out, "--format", "onnx", "--out", onnx, "--json").stdout);
  expect(report.difference).toBeLessThan(1e-5);
  const { stderr, status } = disback("evaluate", onnx, "--data", data);
  expect(status, stderr).not.toBe(null);
});

it("an untrained student's own weights follow the seed", () => {
  const start = (seed: string, name: string) => {
    const flags = ["--method", "plain", "--iterations", "1", "--batch-size", "2", "--quiet", "--seed", seed];
    const { stdout } = done(
      ...["distill", "--teacher", teacher, "--student", vector, "--data", data, ...flags],
      ...["--evaluation-samples", "20", "--out", place(name), "--json"],
    );
    return JSON.parse(stdout).slicedWassersteinStart as number;
  };
  const first = start("1", "seed-1");
  expect(start("1", "seed-1-again")).toBe(first);
  expect(start("2", "seed-2")).not.toBe(first);
});

it("a run that was stopped goes on", async () => {
  const out = place("stopped");
  const flags = ["distill", "--teacher", teacher, "--data", data, "--iterations", "400", "--batch-size", "8"];
  const stopped = await interrupted(
    [...flags, "--checkpoint-every", "5", "--evaluate-every", "400", "--quiet", "--out", out],
    "SIGINT",
    () => existsSync(join(out, "checkpoints", "00000005")),
  );
  expect(stopped.stderr).toContain("continue with: disback resume");
  expect(existsSync(join(out, "student"))).toBe(false);
  done("resume", out, "--quiet");
  expect(existsSync(join(out, "student", "model.safetensors"))).toBe(true);
});

it("compare takes teacher and student by their modules", () => {
  const settings = ["evaluation.every=2", "evaluation.samples=20", "backtracking.batchSize=8", "recording.steps=4"];
  done(
    ...["compare", "--teacher", teacher, "--students", `same,${vector}`, "--seeds", "1", "--data", data],
    ...["--iterations", "2", "--set", ...settings.map((one) => `common.${one}`), "--out", place("compared")],
  );
  expect(readFileSync(place("compared/compare.html"), "utf8")).toContain("vector.mjs");
});

