import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "@disback/torch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { disback } from "./command.js";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let base: string;
const at = (...path: string[]) => join(base, ...path);
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-checkpoints-"));
  const { status, stderr } = disback(
    ...["teacher", "train", "--data", "toy:ring?modes=8", "--out", at("teacher"), "--quiet"],
    ...["--iterations", "9", "--batch-size", "16", "--checkpoint-every", "3"],
    ...["--set", "checkpoints.keepLast=9", "evaluation.samples=50", "evaluation.grid=9"],
  );
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^chosen for .*\n$/)]);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const backtrack = (trajectory: string, out: string) =>
  disback(
    ...["backtrack", "--teacher", at("teacher"), "--student", "untrained", "--trajectory", trajectory],
    ...["--out", at(out), "--iterations", "6", "--steps-per-target", "2", "--batch-size", "16"],
    ...["--data", "toy:ring?modes=8", "--evaluate-every", "6"],
    ...["--set", "evaluation.samples=50", "evaluation.grid=9", "evaluation.teacherSteps=2"],
  );
const manifest = (out: string) => JSON.parse(readFileSync(at(out, "trajectory", "trajectory.json"), "utf8"));

it("walks a student through the training of its teacher", () => {
  const { status, stderr, stdout } = backtrack(at("teacher"), "student");
  expect(stderr + stdout).toMatch(/the trajectory is the teacher's own training: [23] checkpoints of/);
  expect(status).toBe(0);
  const { nodes, provenance } = manifest("student");
  expect(provenance.checkpoints.length).toBeGreaterThanOrEqual(nodes.length);
  expect(nodes.at(-1).distance).toBeGreaterThan(0);
});

it("takes a folder of model folders, in the order of their numbers", () => {
  mkdirSync(at("models"));
  for (const name of ["10", "9"]) cpSync(at("teacher", "teacher"), at("models", name), { recursive: true });
  const config = parseDenoiserConfig(JSON.parse(readFileSync(at("models", "9", "config.json"), "utf8")));
  saveModel(at("models", "9"), createDenoiser(config, { generator: new Generator(5) }), config);
  // 10 is the teacher itself, so that 9 is the only node.
  expect(backtrack(at("models"), "from-models").status).toBe(0);
  expect(manifest("from-models").nodes).toHaveLength(1);
  expect(
    manifest("from-models").provenance.checkpoints.map((name: string) => name.split("/").at(-2)),
  ).toEqual(["9", "10"]);
});

it("refuses in one line what is no teacher's training, and what does not fit", () => {
  expect(backtrack(at("student", "student"), "refused").stderr).toMatch(/not a trajectory/);
  const other = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 });
  saveModel(at("others", "1"), createDenoiser(other, { generator: new Generator(0) }), other);
  expect(backtrack(at("others"), "refused-too").stderr).toMatch(
    /others\/1\/model.safetensors: does not fit the teacher/,
  );
  expect(backtrack(at("nowhere"), "refused-three").stderr).toMatch(/nowhere: not a trajectory/);
});
