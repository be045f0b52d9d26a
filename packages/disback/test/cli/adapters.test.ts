import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { disback, interrupted } from "./command.js";

vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-adapters-"));
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 2 });
  saveModel(join(base, "teacher"), createDenoiser(config, { generator: new Generator(0) }), config);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = (out: string, ...more: string[]) => [
  ...["distill", "--teacher", join(base, "teacher"), "--data", "toy:ring?modes=8", "--out", join(base, out)],
  ...["--record-steps", "4", "--record-interval", "2", "--steps-per-target", "3", "--iterations", "12"],
  ...["--batch-size", "16", "--evaluate-every", "12", "--checkpoint-every", "3", "--quiet"],
  ...["--method", "disback", "--rank", "2"],
  ...["--set", "recording.batchSize=16", "evaluation.samples=50", "evaluation.grid=9"],
  ...["evaluation.teacherSteps=2", ...more],
];
const size = (...path: string[]) => statSync(join(base, ...path)).size;

it("trains adapters, and every command takes the student", () => {
  const { status, stderr } = disback(...distill("run"));
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(size("run", "student", "model.safetensors")).toBeLessThan(size("teacher", "model.safetensors") / 2);
  const manifest = JSON.parse(readFileSync(join(base, "run", "trajectory", "trajectory.json"), "utf8"));
  expect(manifest.storage).toEqual({ kind: "adapters", rank: 2, layers: "all" });
  const run = join(base, "run");
  expect(disback("inspect", join(run, "student")).stdout).toMatch(/adapters on a base[\s\S]*rank +2/);
  expect(disback("sample", run, "--count", "4", "--out", join(base, "points.png")).status).toBe(0);
  expect(disback("export", run, "--format", "onnx", "--out", join(base, "student.onnx")).status).toBe(0);
  expect(
    disback("export", run, "--format", "safetensors", "--out", join(base, "all.safetensors")).status,
  ).toBe(0);
  const keys = (path: string) => [...readSafetensors(join(base, path)).tensors.keys()].sort();
  // Merged: the teacher's keys.
  expect(keys("all.safetensors")).toEqual(keys(join("teacher", "model.safetensors")));
  expect(disback("export", run, "--format", "lora", "--out", join(base, "lora")).stderr).toContain(
    "only for networks of diffusers",
  );
});

it("a stopped run goes on to the same adapters", async () => {
  const weights = (out: string) => readFileSync(join(base, out, "student", "model.safetensors"));
  expect(disback(...distill("whole")).status).toBe(0);
  const ready = () => existsSync(join(base, "stopped", "checkpoints", "00000007"));
  expect((await interrupted(distill("stopped"), "SIGKILL", ready)).status).toBeNull();
  expect(disback("resume", join(base, "stopped"), "--quiet").status).toBe(0);
  expect(weights("stopped").equals(weights("whole"))).toBe(true);
  // The base outside the memory changes no bit, nor does a stop.
  const outside = distill("outside", "offload=true");
  const begun = () => existsSync(join(base, "outside", "checkpoints", "00000007"));
  expect((await interrupted(outside, "SIGKILL", begun)).status).toBeNull();
  expect(disback("resume", join(base, "outside"), "--quiet").status).toBe(0);
  expect(weights("outside").equals(weights("whole"))).toBe(true);
});

it("a base in bf16 trains adapters, which are merged into the base as it is on disk", () => {
  expect(disback(...distill("half", "--precision", "bf16")).stderr).toBe("");
  expect(disback("sample", join(base, "half"), "--count", "4", "--out", join(base, "half.png")).status).toBe(
    0,
  );
});

it("says what does not fit", () => {
  expect(disback(...distill("refused", "--student", "untrained")).stderr).toContain(
    'adapters stand on the teacher, so the student cannot start as "untrained"',
  );
  expect(disback(...distill("refused", "--node-storage", "low-rank")).stderr).toContain(
    '"storage" has no effect',
  );
  const layers = distill("refused", "adaptedLayers=attention");
  layers.splice(layers.indexOf("--rank"), 2);
  expect(disback(...layers).stderr).toContain('"adaptedLayers" has no effect without rank');
  const lacking = distill("refused", "offload=true");
  lacking.splice(lacking.indexOf("--rank"), 2);
  expect(disback(...lacking).stderr).toContain("--offload needs rank");
  const whole = disback("export", join(base, "teacher"), "--format", "lora", "--out", join(base, "lora"));
  expect(whole.stderr).toContain("has no adapters, because all its weights were trained; train with --rank");
});

it("names a base that is gone or has other weights", () => {
  expect(disback(...distill("lost")).status).toBe(0);
  const sample = () => disback("sample", join(base, "lost"), "--out", join(base, "lost.png")).stderr;
  renameSync(join(base, "teacher"), join(base, "elsewhere"));
  expect(sample()).toMatch(/config\.json: these are adapters on "base": .*teacher, which cannot be opened/);
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 2 });
  saveModel(join(base, "teacher"), createDenoiser(config, { generator: new Generator(1) }), config);
  expect(sample()).toMatch(/"base": .*teacher has other weights than these adapters were made for/);
});
