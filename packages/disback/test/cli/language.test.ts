import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { openLanguageModel } from "../../src/import/language/open-language-model.js";
import { disback, interrupted, ownFolder, showing } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

const at = ownFolder();
const brief = showing(12, 4);
const gpt = [
  "language.layers=2",
  "language.heads=2",
  "language.channelsPerHead=8",
  "language.textLength=12",
  "vocabularySize=280",
];
const letters = [
  "model.network=text-transformer",
  "model.layers=1",
  "model.heads=2",
  "model.channelsPerHead=8",
  "model.textLength=10",
];
const training = ["training.iterations=8", "training.batchSize=8"];

beforeAll(() => {
  writeFileSync(at("text.txt"), "the cat sat on the mat\na dog ran to the old house\n".repeat(20));
  for (const [name, more] of [
    ["gpt", gpt],
    ["letters", letters],
  ] as const) {
    const train = disback(
      "teacher",
      "train",
      "--data",
      at("text.txt"),
      "--out",
      at(name),
      ...brief,
      ...training,
      ...more,
    );
    expect(train.stderr).toBe("");
    expect(train.status).toBe(0);
  }
});

const distill = (teacher: string, out: string, ...more: string[]) => [
  ...["distill", "--teacher", at(teacher), "--data", at("text.txt"), "--out", at(out), "--method", "disback"],
  ...["--record-steps", "6", "--batch-size", "8", "--checkpoint-every", "2", ...brief],
  ...["recording.batchSize=8", "evaluation.teacher=false", ...more],
];
const weights = (out: string) =>
  readFileSync(join(at(out), "student", "model.safetensors")).toString("base64");

describe("a small GPT of a GPT", () => {
  const gkd = [
    "backtracking.objective=gkd",
    "student=small",
    "backtracking.iterations=8",
    "backtracking.stepsPerTarget=2",
  ];

  it("is distilled, goes on after a stop bit for bit, and continues a prompt", async () => {
    const whole = disback(...distill("gpt", "whole", ...gkd));
    expect(whole.stderr).toBe("");
    const stopped = await interrupted(distill("gpt", "stopped", ...gkd), "SIGINT", () =>
      existsSync(join(at("stopped"), "trajectory", "trajectory.json")),
    );
    expect([0, 130]).toContain(stopped.status);
    if (stopped.status !== 0) expect(disback("resume", at("stopped"), "--quiet").status).toBe(0);
    expect(weights("stopped")).toBe(weights("whole"));
    expect(readFileSync(join(at("whole"), "report.html"), "utf8")).toContain('class="result texts"');
    const texts = disback("sample", at("whole"), "--prompt", "the", "--count", "2", "--quiet");
    const lines = texts.stdout.trim().split("\n\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^the/);
    const greedy = [
      "sample",
      at("whole"),
      "--prompt",
      "the",
      "--count",
      "2",
      "--temperature",
      "0",
      "--quiet",
    ];
    const [one, other] = disback(...greedy)
      .stdout.trim()
      .split("\n\n");
    expect(one).toBe(other);
    const { model } = await openLanguageModel(join(at("whole"), "student"));
    const { model: teacher } = await openLanguageModel(join(at("gpt"), "teacher"));
    expect(model.options.layers).toBe(1);
    expect(model.options.tokens).toBe(teacher.options.tokens);
  });

  it("learns from data alone, and is judged and described", () => {
    const run = disback(
      ...distill(
        "gpt",
        "data",
        "student=small",
        "backtracking.objective=supervised",
        "backtracking.iterations=4",
      ),
      ...["--method", "plain"],
    );
    expect(run.stderr).toBe("");
    const judged = disback(
      "evaluate",
      at("data"),
      "--data",
      at("text.txt"),
      "--count",
      "8",
      "--quiet",
      "--json",
    );
    const { trigramDivergence, validWords, distinctPairs } = JSON.parse(judged.stdout);
    for (const figure of [trigramDivergence, validWords, distinctPairs]) {
      expect(figure).toBeGreaterThanOrEqual(0);
      expect(figure).toBeLessThanOrEqual(1);
    }
    expect(disback("inspect", join(at("data"), "student")).stdout).toContain(
      "model: language model, student",
    );
  });

  it("refuses in one line what does not fit", () => {
    const refused = (flags: string[], message: RegExp) => {
      const { status, stderr } = disback(...flags);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split("\n").at(-1)).toMatch(/^error: /);
      expect(status).not.toBe(0);
    };
    refused(
      ["sample", at("gpt"), "--prompt", "the cat sat on the old mat ".repeat(9)],
      /prompt: \d+ tokens are too long/,
    );
    refused(["sample", at("gpt"), "--length", "13"], /takes 1 to 12/);
    refused(["sample", at("gpt"), "--steps", "4"], /takes a step for each token; give --length/);
    for (const preset of ["gpt", "letters"])
      refused(
        ["teacher", "train", "--preset", preset, "--data", at("none"), "--out", at("no")],
        /no text; give a \.txt file or a folder of them/,
      );
    refused(["sample", "2d-ring", "--top-p", "0.5"], /--top-p: 2d-ring is no language model/);
    refused(distill("gpt", "no", "backtracking.objective=dmd"), /dmd is for denoisers/);
    refused(
      distill("letters", "no", "backtracking.objective=gkd"),
      /gkd is for language models, but the teacher is none/,
    );
    refused(["export", at("gpt"), "--format", "onnx", "--out", at("no")], /not for language models/);
    refused(["export", at("letters"), "--format", "web", "--out", at("no")], /a page shows pictures/);
    refused(distill("gpt", "no", "backtracking.objective=gkd", "--rank", "2"), /adapters stand on denoisers/);
    expect(existsSync(at("no"))).toBe(false);
  });
});

describe("letters in one step", () => {
  it("follow a trajectory like pictures", () => {
    const run = disback(...distill("letters", "one", "student=untrained", "backtracking.iterations=4"));
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    const out = at("letters.txt");
    disback("sample", at("one"), "--count", "3", "--out", out, "--quiet");
    const lines = readFileSync(out, "utf8").split("\n").slice(0, 3);
    expect(lines.join("")).toMatch(/^[a-z ]+$/);
    expect(disback("inspect", join(at("one"), "student")).stdout).toContain("one-step student");
  });
});
