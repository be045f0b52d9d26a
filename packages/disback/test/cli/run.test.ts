import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { inspect } from "../../src/runs/inspect/inspect.js";
import { MetricsLog } from "../../src/runs/metrics-log.js";
import { disback, interrupted } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
let teacher: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-runs-"));
  teacher = join(base, "model");
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 2 });
  saveModel(teacher, createDenoiser(config, { generator: new Generator(0) }), config);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = (out: string, ...more: string[]) => [
  ...["distill", "--teacher", teacher, "--data", "toy:ring?modes=8", "--out", join(base, out)],
  ...["--record-steps", "8", "--record-interval", "4", "--steps-per-target", "10", "--iterations", "24"],
  ...["--batch-size", "32", "--evaluate-every", "12", "--checkpoint-every", "6", "--method", "disback"],
  ...["--set", "recording.nodes=even-steps", "backtracking.schedule=steps"],
  ...["recording.batchSize=32", "evaluation.samples=300", "evaluation.grid=100", "evaluation.teacherSteps=3"],
  ...more,
];
const weights = (out: string) =>
  readFileSync(join(base, out, "student", "model.safetensors")).toString("base64");
const metrics = (out: string) =>
  new MetricsLog(join(base, out, "metrics.jsonl"))
    .read()
    .map(({ seconds: _, stepSeconds: __, processorSeconds: ___, ...figures }) => figures);

describe("distill", () => {
  it("makes a run folder, a table and one JSON document", () => {
    const { status, stdout, stderr } = disback(...distill("plain"), "--tensorboard", "--json");
    expect(stderr).not.toContain("error");
    expect(status).toBe(0);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ run: join(base, "plain"), teacherEvaluations: 5 });
    for (const figure of [
      "slicedWassersteinStart",
      "slicedWassersteinEnd",
      "teacherSlicedWasserstein",
      "teacherRate",
      "studentRate",
    ]) {
      expect(document[figure]).toBeGreaterThan(0);
    }
    expect(readdirSync(join(base, "plain")).sort()).toEqual([
      "checkpoints",
      "live.jsonl",
      "metrics.jsonl",
      "report.html",
      "run.json",
      "samples",
      "student",
      "student-best",
      "tensorboard",
      "trajectory",
    ]);
    const pictures = readdirSync(join(base, "plain", "samples")).filter((name) => name.endsWith(".png"));
    expect(pictures.sort()).toEqual([
      "backtrack-00000000.png",
      "backtrack-00000012.png",
      "backtrack-00000024.png",
      "reference.png",
    ]);
    const record = JSON.parse(readFileSync(join(base, "plain", "run.json"), "utf8"));
    expect(record).toMatchObject({
      command: "distill",
      state: "finished",
      seed: 0,
      settings: { sigmaInit: 2.5 },
    });
  });

  it("writes what it should into metrics.jsonl", () => {
    const entries = metrics("plain");
    expect(entries.map(({ stage, iteration, images }) => [stage, iteration, images])).toEqual([
      ["record", 5, 160],
      ["record", 8, 256],
      ["backtrack", 0, 0],
      ["backtrack", 12, 384],
      ["backtrack", 24, 768],
    ]);
    expect(entries.at(-1)).toMatchObject({ target: 0 });
    expect(entries.at(-1)!.mismatch).toBeGreaterThan(0);
  });

  it("keeps the best student, and logs for TensorBoard what it logs", () => {
    const entries = metrics("plain").filter(({ stage }) => stage === "backtrack");
    const best = JSON.parse(readFileSync(join(base, "plain", "student-best", "best.json"), "utf8"));
    const lowest = Math.min(...entries.map(({ slicedWasserstein }) => slicedWasserstein as number));
    expect(best).toMatchObject({ figure: "slicedWasserstein", value: lowest });
    expect(disback("inspect", join(base, "plain")).stdout).toMatch(/best +Wasserstein .* in student-best\n/);
    const sampled = disback("sample", join(base, "plain", "student-best"), "--out", join(base, "best.npz"));
    expect(sampled.status).toBe(0);
    expect(readdirSync(join(base, "plain", "tensorboard"))).toEqual(["backtrack", "record"]);
  });

  it("refuses a folder in use, and sets it aside with --force", () => {
    const { status, stderr } = disback(...distill("plain"));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*already in use by a run; continue it with "disback resume/);
    const before = weights("plain");
    const again = disback(...distill("plain"), "--force", "--quiet");
    expect(again.stderr).toContain(
      `earlier run moved from ${join(base, "plain")} to ${join(base, "plain")}.old-1`,
    );
    // Same seed, same result.
    expect(weights("plain")).toBe(before);
  });

  it("stopped by Ctrl-C and resumed is bit for bit what it would have been", async () => {
    const ready = () => existsSync(join(base, "stopped", "checkpoints", "00000014"));
    const { status, stderr } = await interrupted(distill("stopped"), "SIGINT", ready);
    expect(status).toBe(130);
    expect(stderr).toMatch(
      /stopped at iteration \d+ of 24 \(backtracking\); continue with: disback resume .*stopped\n$/,
    );
    expect(disback("resume", join(base, "stopped"), "--quiet").status).toBe(0);
    expect(weights("stopped")).toBe(weights("plain"));
    expect(metrics("stopped")).toEqual(metrics("plain"));
  });

  it("stopped while samples are judged it judges them when resumed, and the result is the same", async () => {
    const judging = ["evaluation.samples=8000", "evaluation.batchSize=50"];
    expect(disback(...distill("whole", ...judging), "--quiet").status).toBe(0);
    const picture = join(base, "judged", "samples", "backtrack-00000012.png");
    const first = await interrupted(distill("judged", ...judging), "SIGINT", () => existsSync(picture));
    expect(first.status).toBe(130);
    expect(first.stderr).toContain("stopped at iteration 12 of 24 (backtracking)");
    expect(metrics("judged").at(-1)).toMatchObject({ stage: "backtrack", iteration: 0 });
    // A second stop, when the training is over and the teacher is judged.
    const last = join(base, "judged", "checkpoints", "00000032");
    const resume = ["resume", join(base, "judged")];
    const second = await interrupted(resume, "SIGINT", () => existsSync(last));
    expect(second.status).toBe(130);
    expect(second.stderr).toMatch(
      /stopped while judging the teacher; continue with: disback resume .*judged\n$/,
    );
    expect(disback(...resume, "--quiet").status).toBe(0);
    expect(weights("judged")).toBe(weights("whole"));
    expect(metrics("judged")).toEqual(metrics("whole"));
  });

  it("killed and resumed too, past a checkpoint damaged since", async () => {
    const folder = join(base, "killed", "checkpoints");
    const ready = () => existsSync(join(folder, "00000020"));
    expect((await interrupted(distill("killed"), "SIGKILL", ready)).status).toBeNull();
    writeFileSync(join(folder, readdirSync(folder).sort().at(-1)!, "state.safetensors"), "rubbish");
    const { status, stderr } = disback("resume", join(base, "killed"));
    expect(stderr).toMatch(/damaged checkpoint skipped: .*state\.safetensors: 7 bytes instead of/);
    expect(status).toBe(0);
    expect(weights("killed")).toBe(weights("plain"));
  });

  it("killed while recording too", async () => {
    const ready = () => existsSync(join(base, "early", "trajectory", "trajectory.json"));
    await interrupted(distill("early"), "SIGKILL", ready);
    expect(disback("resume", join(base, "early"), "--quiet").status).toBe(0);
    expect(weights("early")).toBe(weights("plain"));
  });

  it("takes smaller students and no trajectory", () => {
    const { status } = disback(...distill("small"), "--student", "small", "--method", "plain", "--quiet");
    expect(status).toBe(0);
    expect(existsSync(join(base, "small", "trajectory"))).toBe(false);
    const config = JSON.parse(readFileSync(join(base, "small", "student", "config.json"), "utf8"));
    expect(config.hiddenChannels).toBe(16);
  });

  it.each([
    ["a step", []],
    [
      "samples",
      ["of=samples", "pairs.count=24", "pairs.steps=8", "pairs.passes=8"].map((one) => `imitation.${one}`),
    ],
  ])("lets a student imitate %s first; killed in any stage it is resumed bit for bit", async (what, more) => {
    const whole = `imitating-${what.replace(" ", "-")}`;
    const imitating = (out: string) => [
      ...distill(out, "imitation.batchSize=16", "imitation.tolerance=0", "imitation.when=always", ...more),
      ...["--student", "small", "--imitation-steps", "12", "--quiet"],
    ];
    expect(disback(...imitating(whole)).status).toBe(0);
    expect(metrics(whole).map(({ stage, iteration }) => [stage, iteration])).toEqual([
      ["imitate", 0],
      ["imitate", 12],
      ["record", 5],
      ["record", 8],
      ["backtrack", 0],
      ["backtrack", 12],
      ["backtrack", 24],
    ]);
    for (const checkpoint of ["00000006", "00000018", "00000032"]) {
      const out = `${whole}-${checkpoint}`;
      const ready = () => existsSync(join(base, out, "checkpoints", checkpoint));
      await interrupted(imitating(out), "SIGKILL", ready);
      expect(disback("resume", join(base, out), "--quiet").status).toBe(0);
      expect(weights(out)).toBe(weights(whole));
      expect(metrics(out)).toEqual(metrics(whole));
    }
  });

  it("a finished run is not resumed", () => {
    expect(disback("resume", join(base, "plain"))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("this run is finished"),
    });
  });
});

describe("the two stages one by one", () => {
  it("give what distill gives", () => {
    const shared = ["--teacher", teacher, "--quiet"];
    const recorded = disback(
      "record",
      ...shared,
      "--steps",
      "8",
      "--interval",
      "4",
      "--batch-size",
      "32",
      "--set",
      "recording.nodes=even-steps",
      "--out",
      join(base, "r"),
    );
    expect(recorded.status).toBe(0);
    const flags = distill("b")
      .slice(1)
      .filter((flag) => !flag.startsWith("recording."));
    for (const name of ["--record-steps", "--record-interval", "--method"])
      flags.splice(flags.indexOf(name), 2);
    const walked = disback("backtrack", "--trajectory", join(base, "r"), ...flags);
    expect(walked.stderr).not.toContain("error");
    expect(walked.status).toBe(0);
    expect(weights("b")).toBe(weights("plain"));
  });
});

describe("what a run leaves", () => {
  it("can be sampled into a picture, an .npz and be judged", () => {
    const out = join(base, "s.npz");
    expect(
      JSON.parse(disback("sample", join(base, "plain"), "--count", "50", "--out", out, "--json").stdout),
    ).toMatchObject({
      count: 50,
      evaluations: 1,
    });
    expect(disback("sample", join(base, "plain"), "--out", out).stderr).toMatch(/already there/);
    expect(
      disback("sample", teacher, "--steps", "4", "--out", join(base, "t.png"), "--json").stdout,
    ).toContain('"evaluations": 7');
    const judged = disback(
      "evaluate",
      join(base, "plain"),
      "--data",
      "toy:ring?modes=8",
      "--count",
      "500",
      "--json",
    );
    expect(JSON.parse(judged.stdout)).toMatchObject({ samples: 500, extractor: "coordinates" });
    const stored = disback("evaluate", out, "--data", "toy:ring?modes=8", "--json");
    expect(JSON.parse(stored.stdout)).toMatchObject({ samples: 50 });
  });

  it.each([
    ["plain", /run of "distill"/],
    ["plain/trajectory", /trajectory\n.*nodes 2/],
    ["plain/student", /one-step student\n(.*\n)+.*sigmaInit 2\.5/],
    ["plain/checkpoints/00000032", /checkpoint 00000032\n(.*\n)+.*checksums match/],
    ["plain/student/model.safetensors", /^safetensors file/],
    ["model", /^model: denoiser/],
    ["s.npz", /data set\n(.*\n)+.*samples 50/],
  ])("%s is known to inspect", async (path, text) => {
    const { kind, facts } = await inspect(join(base, path));
    expect([kind, ...facts.map(([name, value]) => `${name} ${value}`)].join("\n")).toMatch(text);
  });

  it("a damaged checkpoint is called so", () => {
    const file = join(base, "small", "checkpoints", "00000024", "state.safetensors");
    writeFileSync(file, "x");
    expect(disback("inspect", join(base, "small", "checkpoints", "00000024")).stderr).toMatch(
      /^error: .*1 bytes instead of/,
    );
  });
});

describe("teacher train", () => {
  it("makes a model, class-conditional when asked", () => {
    const { status, stderr } = disback(
      ...[
        "teacher",
        "train",
        "--preset",
        "2d",
        "--conditional",
        "--data",
        "toy:ring?modes=4",
        "--iterations",
        "20",
        "--set",
      ],
      ...[
        "evaluation.every=10",
        "evaluation.samples=200",
        "evaluation.grid=50",
        "evaluation.teacherSteps=2",
        "model.hiddenChannels=16",
      ],
      ...["--out", join(base, "taught"), "--quiet"],
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const config = JSON.parse(readFileSync(join(base, "taught", "teacher", "config.json"), "utf8"));
    expect(config).toMatchObject({ labelDim: 4, hiddenChannels: 16 });
    expect(disback("sample", join(base, "taught"), "--label", "3", "--out", join(base, "c.png")).status).toBe(
      0,
    );
    expect(
      disback("sample", join(base, "taught"), "--label", "4", "--out", join(base, "d.png")),
    ).toMatchObject({
      status: 2,
      stderr: "error: --label 4: this model's classes are 0 to 3\n",
    });
  });
});
