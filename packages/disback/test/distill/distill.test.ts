import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, readSafetensors, setNumThreads } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Decision } from "../../src/distill/decide.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { DenoisingFit } from "../../src/distill/denoising-fit.js";
import { type DistillationOptions, distill } from "../../src/distill/distill.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../src/distill/objectives/dmd.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { createDenoiser, loadModel, parseDenoiserConfig } from "../../src/models/config.js";
import type { DenoiserModule } from "../../src/models/denoiser.js";
import { disback } from "../cli/command.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

// Whole runs of the command line beside the library's.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  setNumThreads(1);
  base = mkdtempSync(join(tmpdir(), "disback-distill-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const shipped = fileURLToPath(new URL("../../assets/teachers/2d-ring", import.meta.url));
const teacher = () => loadModel(shipped).denoiser;

/** Runs the command line with the flags. @returns its student's and its nodes' weights, and the network's configuration */
function commandLine(name: string, ...flags: string[]) {
  const folder = join(base, name);
  const { status, stderr } = disback(
    ...["distill", "--teacher", "2d-ring", "--seed", "3", "--threads", "1", "--quiet", "--out", folder],
    ...["--iterations", "6", "--set", "evaluation.teacher=false", "evaluation.grid=8", ...flags],
  );
  expect(stderr).not.toContain("error");
  expect(status).toBe(0);
  const trajectory = join(folder, "trajectory", "trajectory.json");
  return {
    weights: bytesOf(readSafetensors(join(folder, "student", "model.safetensors")).tensors),
    config: parseDenoiserConfig(JSON.parse(readFileSync(join(folder, "student", "config.json"), "utf8"))),
    nodes: existsSync(trajectory) ? JSON.parse(readFileSync(trajectory, "utf8")).nodes : undefined,
  };
}

/** The library's distillation with the same settings. */
function library(name: string, student: DenoiserModule, options: Partial<DistillationOptions>) {
  const result = distill({
    ...{ teacher: teacher(), folder: join(base, `${name}-library`), execution: { seed: 3 } },
    ...{ student: new DenoiserStudent(student, { sigmaInit: 2.5 }) },
    ...options,
    backtracking: { iterations: 6, ...options.backtracking },
  });
  const { student: made, trajectory, decision } = result;
  return { weights: bytesOf(made.module.stateDict()), nodes: trajectory?.nodes, decision };
}

const bytesOf = (tensors: ReadonlyMap<string, { bytes(): Uint8Array }>) =>
  new Map(
    [...tensors]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, Buffer.from(one.bytes()).toString("hex")]),
  );

describe("the library's distill is `disback distill`, bit for bit", () => {
  it("by default: a copy, nothing before the last stage", () => {
    const ours = commandLine("copy");
    const theirs = library("copy", teacher().clone(), {});
    expect(theirs.decision).toMatchObject({ imitate: false, record: false });
    expect([theirs.weights, theirs.nodes]).toEqual([ours.weights, undefined]);
  });

  it("along a trajectory, with every default of both stages", () => {
    const ours = commandLine("path", "--method", "disback");
    const theirs = library("path", teacher().clone(), { method: "disback" });
    expect(theirs.weights).toEqual(ours.weights);
    expect(ours.nodes.length).toBeGreaterThan(1);
    expect(theirs.nodes).toEqual(ours.nodes);
  });

  it("a smaller student imitates first, with every default", () => {
    const ours = commandLine("small", "--student", "small");
    const small = createDenoiser(ours.config, { generator: new Generator(3) });
    const theirs = library("small", small, {});
    expect(theirs.decision).toMatchObject({ imitate: "step", record: false });
    expect(theirs.weights).toEqual(ours.weights);
  });

  it("imitation that was asked for, before a trajectory", () => {
    const ours = commandLine(
      "asked",
      ...["imitation.when=always", "recording.steps=6", "--method", "disback", "--student", "small"],
    );
    const small = createDenoiser(ours.config, { generator: new Generator(3) });
    const theirs = library("asked", small, {
      ...{ method: "disback", imitation: { when: "always" }, recording: { steps: 6 } },
    });
    expect(theirs.decision).toMatchObject({ imitate: "step", record: true });
    expect([theirs.weights, theirs.nodes]).toEqual([ours.weights, ours.nodes]);
  });

  it("a copy that shall learn the teacher's samples first", () => {
    const pairs = ["imitation.pairs.count=30", "imitation.pairs.steps=3", "imitation.pairs.passes=4"];
    const ours = commandLine("samples", "imitation.when=always", "imitation.batchSize=8", ...pairs);
    const theirs = library("samples", teacher().clone(), {
      imitation: { when: "always", batchSize: 8, pairs: { count: 30, steps: 3, passes: 4 } },
    });
    expect(theirs.decision).toMatchObject({ imitate: "samples", record: false });
    expect(theirs.weights).toEqual(ours.weights);
  });

  it("a trajectory that was asked for, another objective, other settings of every stage", () => {
    const ours = commandLine(
      "other",
      ...["recording.learningRate=2e-3", "backtracking.emaDecay=0.5", "backtracking.auxiliarySteps=2"],
      ...["backtracking.mismatchThreshold=1.1", "--student", "untrained", "--method", "disback"],
      ...["--objective", "dmd", "--record-steps", "12", "--batch-size", "32", "--micro-batch", "16"],
      ...["--set", "recording.batchSize=64"],
    );
    const untrained = createDenoiser(ours.config, { generator: new Generator(3) });
    const theirs = library("other", untrained, {
      method: "disback",
      recording: { steps: 12, batchSize: 64, learningRate: 2e-3 },
      backtracking: { batchSize: 32, emaDecay: 0.5, auxiliarySteps: 2, objective: new Dmd() },
      execution: { seed: 3, microBatch: 16 },
    });
    expect(theirs.decision).toMatchObject({ imitate: false, record: true });
    expect(theirs.weights).toEqual(ours.weights);
    expect(theirs.nodes).toEqual(ours.nodes);
  });

  it("low noise levels, of the recording and of the objective", () => {
    const levels = (group: string) => [`${group}.noiseMean=-3`, `${group}.noiseStandardDeviation=0.6`];
    const ours = commandLine(
      "levels",
      ...["recording.steps=6", ...levels("recording"), ...levels("backtracking.diffInstruct")],
      ...["--method", "disback", "--student", "untrained"],
    );
    const untrained = () => createDenoiser(ours.config, { generator: new Generator(3) });
    const low = new LogNormal(-3, 0.6);
    const recording = { steps: 6, fit: new DenoisingFit(low) };
    const backtracking = { objective: new DiffInstruct({ noise: low }) };
    const theirs = library("levels", untrained(), { method: "disback", recording, backtracking });
    expect([theirs.weights, theirs.nodes]).toEqual([ours.weights, ours.nodes]);
    const usual = library("usual", untrained(), { method: "disback", recording: { steps: 6 } });
    expect(usual.weights).not.toEqual(ours.weights);
    expect(usual.nodes).not.toEqual(ours.nodes);
  });

  it("a direct objective", () => {
    const ours = commandLine("direct", "backtracking.pairs.count=50", "--objective", "regression");
    const objective = new Regression({ pairs: { count: 50 } });
    const theirs = library("direct", teacher().clone(), { backtracking: { objective } });
    expect(theirs.weights).toEqual(ours.weights);
  });
});

describe("the library's distill", () => {
  it("tells once what it does, before it does it", () => {
    const told: Decision[] = [];
    const student = gaussianStudent([1, -1]);
    const result = distill({
      ...{ teacher: new GaussianDenoiser([1, -1]), student, backtracking: { iterations: 1 } },
      onDecision: (decision) => told.push(decision),
    });
    expect(told).toEqual([result.decision]);
    expect(result.decision.why).toBe("the student is a copy of the teacher");
    expect(result.trajectory).toBeUndefined();
  });

  it("wants a folder where a trajectory is recorded, and students of the teacher's kind", () => {
    const given = { teacher: new GaussianDenoiser([1, -1]), student: gaussianStudent([-1, 1]) };
    expect(() => distill({ ...given, method: "disback" })).toThrow(
      /^distill: "folder" is needed.*: a trajectory was asked for$/,
    );
    expect(() => distill({ ...given, student: gaussianStudent([0, 0, 0]) })).toThrow(
      "student: makes samples of shape [3], the teacher [2]",
    );
  });

  it("returns the average of the weights and leaves the teacher as it was", () => {
    const [own, student] = [new GaussianDenoiser([1, -1]), gaussianStudent([-1, 1])];
    const backtracking = { iterations: 3, emaDecay: 0.5, batchSize: 8 };
    const { student: made } = distill({ teacher: own, student, method: "plain", backtracking });
    expect((made.module as GaussianDenoiser).point).not.toEqual((student.module as GaussianDenoiser).point);
    expect(made.module.training).toBe(false);
    expect(own.point).toEqual([1, -1]);
  });
});
