import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { disback, interrupted, ownFolder } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

const at = ownFolder();
const brief = [
  "--quiet",
  "--iterations",
  "4",
  "--set",
  "backtracking.batchSize=16",
  "evaluation.teacher=false",
];
const recording = ["recording.steps=4", "recording.maximumNodes=2", "recording.batchSize=16"];

beforeAll(() => {
  const joined = disback("teacher", "join", "left=2d-ring", "right=2d-ring", "--out", at("both"), "--json");
  expect(joined.stderr).toBe("");
  expect(JSON.parse(joined.stdout)).toMatchObject({
    tasks: { left: 1, right: 1 },
    sampleShape: [2],
    sigmaData: 0.5,
  });
});

describe("one student for several teachers", () => {
  it("learns every task, along a trajectory too, and draws the one that is asked for", () => {
    const run = disback(
      ...["distill", "--teacher", at("both"), "--method", "disback", "--out", at("run")],
      ...[...brief, ...recording],
    );
    expect(run.stderr).toContain("samples of several tasks (left, right): no FID");
    expect(run.status).toBe(0);
    const config = JSON.parse(readFileSync(at("run/student/config.json"), "utf8"));
    expect(config).toMatchObject({
      labelDim: 2,
      classNames: ["left", "right"],
      tasks: { left: 1, right: 1 },
    });
    const drawn = disback("sample", at("run"), "--label", "right", "--count", "4", "--out", at("right.npz"));
    expect(drawn.status).toBe(0);
    const judged = disback(
      "evaluate",
      at("run"),
      "--label",
      "left",
      "--data",
      "toy:ring",
      "--count",
      "50",
      "--json",
    );
    expect(JSON.parse(judged.stdout)).toHaveProperty("slicedWasserstein");
    const inspected = disback("inspect", at("both"));
    expect(inspected.stdout).toContain("denoisers of several tasks");
    expect(inspected.stdout).toContain("mlp, 0 classes");
  });

  it("of one base with adapters for each task goes on after a stop, and every command takes it", async () => {
    const distill = (out: string, ...more: string[]) => [
      ...["distill", "--teacher", at("both"), "--rank", "2", "--method", "disback", "--out", at(out)],
      ...[...brief, ...recording, "checkpoints.every=1", "backtracking.iterations=6", ...more],
    ];
    const weights = (out: string) => readFileSync(at(`${out}/student/model.safetensors`));
    expect(disback(...distill("whole")).status).toBe(0);
    const manifest = JSON.parse(readFileSync(at("whole/trajectory/trajectory.json"), "utf8"));
    expect(manifest.storage).toEqual({ kind: "adapters", rank: 2, layers: "all" });
    const begun = (out: string) => () => existsSync(at(`${out}/checkpoints/00000002`));
    await interrupted(distill("stopped"), "SIGKILL", begun("stopped"));
    expect(disback("resume", at("stopped"), "--quiet").status).toBe(0);
    expect(weights("stopped").equals(weights("whole"))).toBe(true);
    // The weights outside the memory change no bit.
    expect(disback(...distill("outside", "offload=true")).status).toBe(0);
    expect(weights("outside").equals(weights("whole"))).toBe(true);
    expect(disback(...distill("half", "--precision", "bf16")).status).toBe(0);

    expect(disback("inspect", at("whole/student")).stdout).toMatch(
      /several tasks, adapters for each on one base[\s\S]*tasks +left, right/,
    );
    const judged = ["--label", "right", "--data", "toy:ring", "--count", "50", "--json"];
    for (const run of ["whole", "half"])
      expect(JSON.parse(disback("evaluate", at(run), ...judged).stdout)).toHaveProperty("slicedWasserstein");
    for (const format of ["onnx", "web", "safetensors"])
      expect(disback("export", at("whole"), "--format", format, "--out", at(`whole.${format}`)).status).toBe(
        0,
      );
    const lora = disback("export", at("whole"), "--format", "lora", "--out", at("lora"));
    expect(lora.stderr).toContain("has adapters for each of several tasks");
    const untrained = disback(...distill("refused", "student=untrained"));
    expect(untrained.stderr).toContain('the student cannot start as "untrained"');
  });

  it("of adapters goes on after its imitation, from whose folder the adapters alone are read", async () => {
    const distill = (out: string) => [
      ...["distill", "--teacher", at("both"), "--rank", "2", "--out", at(out), ...brief],
      ...["checkpoints.every=1", "backtracking.iterations=8", "imitation.steps=12", "imitation.tolerance=0"],
    ];
    const weights = (out: string) => readFileSync(at(`${out}/student/model.safetensors`));
    expect(disback(...distill("imitating")).status).toBe(0);
    await interrupted(distill("broken"), "SIGKILL", () => existsSync(at("broken/checkpoints/00000015")));
    expect(disback("resume", at("broken"), "--quiet").status).toBe(0);
    expect(weights("broken").equals(weights("imitating"))).toBe(true);
  });

  it.each([
    ["one teacher", ["left=2d-ring"], "give at least two teachers, each as name=teacher"],
    ["no name", ["2d-ring", "b=2d-ring"], "2d-ring: must be name=teacher, as digits=runs/digits"],
    ["a name twice", ["a=2d-ring", "a=2d-ring"], "a: two tasks have this name"],
    ["another shape", ["a=2d-ring", "b=fashion-mnist-16"], "b: makes samples of shape [1, 16, 16], a [2]"],
    ["prompts", ["a=emoji-teacher", "b=emoji-teacher"], 'a: this teacher is told "tokens"'],
  ])("refuses %s", (_, given, message) => {
    const refused = disback("teacher", "join", ...given, "--out", at("refused"));
    expect(refused.stderr).toContain(`error: ${message}`);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(at("refused"))).toBe(false);
  });

  it("refuses what has no effect", () => {
    const guided = disback("sample", at("both"), "--guidance", "2", "--count", "2", "--out", at("no.npz"));
    expect(guided.stderr).toContain("condition: one of the tasks must be chosen: left, right");
    const page = disback("export", at("both"), "--format", "onnx", "--out", at("no.onnx"));
    expect(page.stderr).toContain("--format onnx: not for the teachers of several tasks");
    const unknown = disback("sample", at("both"), "--label", "rigth", "--out", at("no.npz"));
    expect(unknown.stderr).toContain('left, right (did you mean "right"?)');
    const without = disback("sample", at("both"), "--unconditional", "--out", at("no.npz"));
    expect(without.stderr).toContain("knows several tasks, and must be told one");
  });
});
