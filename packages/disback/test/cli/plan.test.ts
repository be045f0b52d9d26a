import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunPlan } from "../../src/runs/plan/plan.js";
import type { SeveralPlan } from "../../src/runs/plan/several.js";
import { disback, started } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-plans-"));
  mkdirSync(join(base, "temporary"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = (out: string) => [
  ...["distill", "--teacher", "2d-ring", "--data", "toy:ring", "--method", "disback", "--threads", "1"],
  ...["--record-steps", "6", "--record-interval", "3", "--iterations", "40", "--batch-size", "64"],
  ...["--evaluate-every", "20", "--checkpoint-every", "10", "--out", join(base, out)],
  ...["--set", "recording.nodes=even-steps", "backtracking.schedule=steps", "recording.batchSize=32"],
  ...["evaluation.samples=400", "evaluation.grid=1000", "evaluation.teacherSteps=3", "--quiet"],
];

describe("disback plan", () => {
  it("counts what a run does and writes, and leaves nothing", async () => {
    const { end } = started(["plan", ...distill("planned"), "--json"], { TMPDIR: join(base, "temporary") });
    const { status, stdout } = await end;
    expect(status).toBe(0);
    expect(existsSync(join(base, "planned"))).toBe(false);
    expect(readdirSync(join(base, "temporary"))).toEqual([]);
    const plan = JSON.parse(stdout) as RunPlan;
    const counts = plan.stages.map(({ label, steps, evaluations, checkpoints }) => [
      ...[label, steps, evaluations, checkpoints],
    ]);
    expect(counts).toEqual([
      ["recording", 6, 0, 1],
      ["backtracking", 40, 3, 4],
    ]);

    // Teacher, target, student and auxiliary model are of one size; Adam, whose
    // beta1 is 0, has one moment for each of the two that are trained.
    expect(disback(...distill("done")).status).toBe(0);
    const weights = readSafetensors(join(base, "done", "student", "model.safetensors")).tensors;
    const network = [...weights.values()].reduce((sum, { numel }) => sum + 4 * numel, 0);
    const { tensors, stage } = plan.memory;
    expect(stage).toBe("backtracking");
    expect(tensors.gradients).toBe(network);
    expect(tensors.averages).toBe(network);
    expect(tensors.moments).toBe(2 * network);
    expect(tensors.weights).toBeGreaterThanOrEqual(4 * network);
    expect(tensors.activations).toBeGreaterThan(0);

    const written = (place: string) => statSync(join(base, "done", place)).size;
    const each = Object.fromEntries(plan.disk.map(({ name, bytes, count }) => [name, bytes / count]));
    const [checkpoint] = readdirSync(join(base, "done", "checkpoints"));
    expect(each.checkpoints! / written(`checkpoints/${checkpoint}/state.safetensors`)).toBeCloseTo(1, 1);
    const nodes = readdirSync(join(base, "done", "trajectory")).filter((name) => /safetensors$/.test(name));
    expect(plan.disk.find(({ name }) => name.startsWith("nodes"))!.count).toBe(nodes.length);
    expect(each["nodes of the trajectory"]).toBe(written(`trajectory/${nodes[0]}`));
  });

  it("chooses a teacher by the data as the training does, and refuses what that would refuse", () => {
    const { status, stdout, stderr } = disback(
      "plan",
      "teacher",
      "train",
      "--data",
      "toy:ring",
      "--threads",
      "1",
    );
    expect(status).toBe(0);
    expect(stderr).toContain("chosen for 50,000 samples [2] in 8 classes");
    expect(stdout).toMatch(/^time +steps +evaluations +together\n─.*\ntraining the teacher +4,000 x /);
    expect(stdout).toMatch(/\nall +about .*\n\nmemory .*tensors at most .* \(training the teacher\)/);
    const unknown = disback("plan", "distill", "--teacher", "2d-rong");
    expect([unknown.status, unknown.stdout]).toEqual([1, ""]);
    expect(unknown.stderr).toMatch(/^error: .*2d-rong.*did you mean "2d-ring"/);
    expect(disback("plan", "sample", "x").stderr).toMatch(
      /^error: plan: not "sample"; takes the words of one of:/,
    );
  });
});

describe("disback plan of several runs", () => {
  it("counts each method's runs, the sweep's too, and judges the teacher once", () => {
    const out = join(base, "compared");
    const words = ["plan", "compare", "--preset", "2d-smoke", "--protocol", "best", "--jobs", "3"];
    const { status, stdout } = disback(...words, "--out", out, "--json", "--quiet");
    expect(status).toBe(0);
    expect(existsSync(out)).toBe(false);
    const plan = JSON.parse(stdout) as SeveralPlan;
    // Two seeds that are reported, and two rates on one more seed.
    expect(plan.groups.map(({ label, runs }) => [label, runs])).toEqual([
      ["untrained, diff-instruct", 4],
      ["untrained, disback", 4],
    ]);
    expect(plan.groups.map(({ each }) => each.stages.map(({ label }) => label))).toEqual([
      ["distilling"],
      ["recording", "backtracking"],
    ]);
    const [plain, disBack] = plan.groups.map(({ each }) => each.seconds) as [number, number];
    expect(plan.teacherSeconds).toBeGreaterThan(0);
    expect(plan.seconds).toBeCloseTo(plan.teacherSeconds + (4 * (plain + disBack)) / 3, 6);
  });

  it("takes the seeds of `record`", () => {
    const out = join(base, "paths");
    const words = ["plan", "record", "--teacher", "2d-ring", "--student", "untrained", "--seeds", "1,2,3"];
    const { status, stdout } = disback(...words, "--jobs", "2", "--out", out, "--quiet");
    expect(status).toBe(0);
    expect(existsSync(out)).toBe(false);
    expect(stdout).toMatch(/\npaths +3 x .*\nall, 2 at once +about /);
  });
});

describe("disback init", () => {
  it("writes all settings with what they mean, which give the same settings again", () => {
    const file = join(base, "settings.yaml");
    expect(disback("init", "--file", file, "distill", "--preset", "2d").stdout).toContain(
      `${file}: change it, and then: disback distill --config ${file}`,
    );
    expect(disback("distill", "--config", file, "--show-settings").stdout).toBe(
      disback("distill", "--preset", "2d", "--show-settings").stdout,
    );
    // Other objectives have no lines, but are named; what was set for one stays.
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^ {2}diffInstruct:$/m);
    const [, backtracking] = text.split(/^backtracking:$/m);
    expect(backtracking).not.toMatch(/^ {2}(sid|dmd2|pairs):$/m);
    expect(text).toMatch(/^ {2}# of other objectives, not shown: .*\bpairs\b.*\bsid\b.*--objective/ms);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
    const other = ["distill", "--objective", "sid", "--set", "backtracking.dmd2.r1Weight=2"];
    expect(disback("init", "--force", "--file", file, ...other).status).toBe(0);
    expect(readFileSync(file, "utf8")).toMatch(/^ {2}dmd2:\n(.*\n)* {4}r1Weight: 2 #(.*\n)* {2}sid:$/m);
    const again = disback("init", "--file", file, "distill");
    expect([again.status, again.stderr]).toEqual([
      1,
      `error: ${file}: already there; choose another --file or give --force\n`,
    ]);
  });

  it("needs nothing that a run needs: it stands there as a comment", () => {
    const file = join(base, "teacher.yaml");
    expect(disback("init", "--file", file, "teacher", "train").status).toBe(0);
    const lines = readFileSync(file, "utf8").split("\n");
    expect(lines[0]).toBe(`# Settings of: disback teacher train --config ${file}`);
    expect(lines.find((line) => line.startsWith("# data:"))).toMatch(
      /^# data: \(required\) # data set: a path/,
    );
    const document = JSON.parse(disback("teacher", "train", "--show-settings", "--json").stdout);
    expect(document).toMatchObject({ seed: 0, checkpoints: { keepLast: 2 } });
    expect(document).not.toHaveProperty("data");
    expect(disback("teacher", "train", "--config", file, "--plan").stderr).toMatch(/--data is required/);
  });
});
