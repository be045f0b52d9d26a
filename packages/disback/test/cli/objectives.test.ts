import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, ops, readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Trajectory } from "../../src/distill/trajectory.js";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { MetricsLog } from "../../src/runs/metrics-log.js";
import { disback, interrupted } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-objectives-"));
  for (const [name, labelDim] of [
    ["plain", 0],
    ["conditional", 8],
  ] as const) {
    const config = parseDenoiserConfig({
      ...{ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 },
      labelDim,
    });
    saveModel(join(base, name), createDenoiser(config, { generator: new Generator(0) }), config);
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = (teacher: string, out: string, ...more: string[]) => [
  ...["distill", "--teacher", join(base, teacher), "--data", "toy:ring?modes=8", "--out", join(base, out)],
  ...["--record-steps", "4", "--record-interval", "2", "--steps-per-target", "3", "--iterations", "12"],
  ...["--batch-size", "16", "--evaluate-every", "12", "--checkpoint-every", "3", "--quiet"],
  ...["--method", "disback"],
  ...["--set", "recording.batchSize=16", "evaluation.samples=50", "evaluation.grid=9"],
  ...["evaluation.teacherSteps=2", ...more],
];
/** What a step of every objective tells, and of those with an auxiliary model beside it. */
const DIRECT_FIGURES = ["loss", "gradientNorm", "learningRate", "spread", "slicedWasserstein"];
const MATCHING_FIGURES = ["gap", "mismatch", "auxiliaryGradientNorm"];
/** Objectives by the student they left. */
const students = new Map<string, string>();
const nodesOf = (out: string) => Trajectory.open(join(base, out, "trajectory")).nodes;
/** A weight of a run's last node, as it is stored: the difference to the teacher's. */
const nodeOf = (out: string, key: string) =>
  readSafetensors(join(base, out, "trajectory", nodesOf(out).at(-1)!.file)).tensors.get(key);
const weights = (out: string) =>
  readFileSync(join(base, out, "student", "model.safetensors")).toString("base64");

describe("distill --objective", () => {
  it.each([
    ["dmd", "plain", ["backtracking.dmd.regressionWeight=0.25", "backtracking.pairs.count=20"]],
    ["sid", "plain", ["backtracking.sid.alpha=1"]],
    ["vsd", "plain", ["backtracking.vsd.rank=2"]],
    ["consistency", "conditional", ["--guidance", "2"]],
    ["regression", "plain", ["backtracking.pairs.count=20", "--student-steps", "2"]],
    ["dmd2", "conditional", ["backtracking.dmd2.realSamples=100", "--guidance", "2"]],
    [
      "f-distill",
      "conditional",
      ["backtracking.fDistill.divergence=forward-kl", "backtracking.idaDecay=0.97"],
    ],
    ["sida", "plain", ["backtracking.sida.realSamples=100"]],
    ["sim", "plain", ["backtracking.sim.huber=0.1"]],
    ["moment-matching", "plain", ["backtracking.momentMatching.targetWeight=0.5"]],
    ["ect", "conditional", ["backtracking.ect.stageSteps=2"]],
    ["tcm", "plain", ["backtracking.tcm.firstSteps=5", "backtracking.tcm.stageSteps=2"]],
    ["scm", "conditional", ["backtracking.scm.velocity=teacher", "--guidance", "2"]],
    ["meanflow", "conditional", ["backtracking.meanflow.velocity=data"]],
    ["ladd", "plain", ["backtracking.ladd.r1Weight=1"]],
    ["diff-instruct", "conditional", ["backtracking.diffInstruct.weighting=edm", "--method", "plain"]],
  ])("%s moves a student, and tells how", (objective, teacher, more) => {
    const { status, stderr } = disback(...distill(teacher, objective, ...more, "--objective", objective));
    expect(stderr).not.toContain("error");
    expect(status).toBe(0);
    const direct = ["consistency", "ect", "tcm", "scm", "meanflow", "ladd", "regression"].includes(objective);
    const path = !direct && !more.includes("--method");
    expect(existsSync(join(base, objective, "trajectory"))).toBe(path);
    const { sigmaInit, anySteps } = JSON.parse(
      readFileSync(join(base, objective, "student", "generator.json"), "utf8"),
    );
    expect(sigmaInit).toBe(["consistency", "ect", "tcm", "scm", "meanflow"].includes(objective) ? 80 : 2.5);
    expect(anySteps).toBe(["consistency", "ect", "scm", "meanflow"].includes(objective) || undefined);

    const entries = new MetricsLog(join(base, objective, "metrics.jsonl")).read();
    const [start, end] = entries.filter(({ stage }) => stage === "backtrack");
    expect([start!.iteration, end!.iteration]).toEqual([0, 12]);
    expect(end!.slicedWasserstein).not.toBe(start!.slicedWasserstein);
    const expected = direct ? DIRECT_FIGURES : [...DIRECT_FIGURES, ...MATCHING_FIGURES];
    for (const name of expected) expect(end![name], name).toBeGreaterThan(0);
    // Twelve steps, three on each target at most: the last ones are on the teacher.
    expect(end!.target).toBe(direct ? undefined : 0);
    const nodes = path ? nodesOf(objective).length : 0;
    const recorded = entries.filter(({ stage }) => stage === "record");
    expect(recorded.at(-1)?.iteration).toBe(path ? 4 : undefined);
    expect(nodes > 0).toBe(path);

    // The teacher's copy at its start, another student than any other objective's at its end.
    const own = weights(objective);
    expect(own).not.toBe(readFileSync(join(base, teacher, "model.safetensors")).toString("base64"));
    expect(students.get(own)).toBeUndefined();
    students.set(own, objective);
  });

  it("vsd's trajectory is one of adapters of its rank: what is recorded fits what is trained", () => {
    const layer = "model.blocks.0.layer1";
    expect(nodeOf("vsd", `${layer}.up`)!.shape).toEqual([16, 2]);
    expect(nodeOf("vsd", `${layer}.weight`)).toBeUndefined();
    expect(nodeOf("vsd", `${layer}.up`)!.abs().max().item()).toBeGreaterThan(0);
    // A copy's difference has its full rank.
    const singular = ops.linalg_svdvals(nodeOf("dmd", `${layer}.weight`)!.float()).toArray() as number[];
    expect(singular[2]! / singular[0]!).toBeGreaterThan(2e-2);
  });

  it.each([
    ["dmd2", "00000007", ["backtracking.auxiliarySteps=2", "backtracking.idaDecay=0.9"]],
    ["tcm", "00000006", ["backtracking.tcm.firstSteps=4", "backtracking.tcm.stageSteps=2"]],
  ])("%s stopped and resumed is bit for bit what it would have been", async (objective, checkpoint, more) => {
    const [whole, stopped] = [`${objective}-whole`, `${objective}-stopped`];
    const options = [...more, "--objective", objective];
    expect(disback(...distill("plain", whole, ...options)).status).toBe(0);
    const ready = () => existsSync(join(base, stopped, "checkpoints", checkpoint));
    expect((await interrupted(distill("plain", stopped, ...options), "SIGKILL", ready)).status).toBeNull();
    expect(disback("resume", join(base, stopped), "--quiet").status).toBe(0);
    expect(weights(stopped)).toBe(weights(whole));
  });

  it("a consistency student is drawn in any number of steps", () => {
    const sample = ["sample", join(base, "ect"), "--count", "20", "--json", "--out"];
    for (const steps of ["1", "2", "4", "8"]) {
      const { stdout } = disback(...sample, join(base, `ect-${steps}.npz`), "--steps", steps);
      expect(JSON.parse(stdout)).toMatchObject({ evaluations: Number(steps) });
    }
    const [one, four] = ["1", "4"].map((steps) => readFileSync(join(base, `ect-${steps}.npz`)));
    expect(one!.equals(four!)).toBe(false);
  });

  it("asks a class-conditional teacher without labels", () => {
    expect(disback(...distill("conditional", "unlabelled", "--unconditional")).status).toBe(0);
    const config = JSON.parse(readFileSync(join(base, "unlabelled", "student", "config.json"), "utf8"));
    expect(config.labelDim).toBe(0);
    const path = ["--teacher", join(base, "conditional"), "--trajectory", join(base, "unlabelled")];
    const other = disback("backtrack", ...path, "--quiet", "--out", join(base, "labelled"));
    expect(other.stderr).toContain('recorded from another teacher, or with another value of "unconditional"');
  });

  it("a student of two steps is drawn in two steps", () => {
    expect(disback(...distill("plain", "two", "--student-steps", "2", "--objective", "dmd")).status).toBe(0);
    const levels = JSON.parse(readFileSync(join(base, "two", "student", "generator.json"), "utf8"));
    expect(levels).toEqual({
      ...{ format: "disback-generator-1", kind: "few-step", sigmaInit: 2.5 },
      laterSigmas: [0.409902],
    });
    const sample = ["sample", join(base, "two"), "--count", "20", "--json", "--out"];
    expect(JSON.parse(disback(...sample, join(base, "a.npz")).stdout)).toMatchObject({ evaluations: 2 });
    const wrong = disback(...sample, join(base, "b.npz"), "--steps", "3");
    expect(wrong.stderr).toMatch(/--steps 3: .*two is a 2-step student/);
  });

  it("says what an objective lacks", () => {
    const teacher = ["distill", "--method", "plain", "--quiet", "--teacher", join(base, "plain")];
    const withoutData = disback(...teacher, "--objective", "dmd2", "--out", join(base, "none"));
    expect(withoutData.stderr).toContain("--objective of dmd2 needs real samples; give --data");
    expect(withoutData.status).toBe(2);
    const alignment = ["--set", "backtracking.idaDecay=0.9", "--out", join(base, "none")];
    const direct = disback(...teacher, "--objective", "regression", ...alignment);
    expect(direct.stderr).toContain("needs an objective with an auxiliary model");
    expect(disback(...teacher, "--student", "small", ...alignment).stderr).toContain("architecture");
    const unconditional = disback(...teacher, "--guidance", "2", "--out", join(base, "guided"));
    expect(unconditional.stderr).toContain("needs a teacher with classes");
    expect(unconditional.status).toBe(1);
  });
});
