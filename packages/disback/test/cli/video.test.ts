import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { disback } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let base: string;
const at = (name: string) => join(base, name);
const digits = "toy:moving-digits?count=40";
const small = ["model.modelChannels=8"];
const smallTransformer = ["model.layers=2", "model.heads=2", "model.channelsPerHead=4"];
const brief = [
  ...["--quiet", "--set", "evaluation.samples=8", "evaluation.grid=4", "evaluation.every=2"],
  "evaluation.teacherSteps=2",
];

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-video-"));
  const train = disback(
    ...["teacher", "train", "--preset", "video", "--data", digits, "--out", at("teacher")],
    ...[...brief, "training.iterations=2", "training.batchSize=4", ...small],
  );
  expect(train.stderr).toBe("");
  const distill = disback(
    ...["distill", "--preset", "video", "--teacher", at("teacher"), "--data", digits, "--out", at("student")],
    ...["--method", "disback", ...brief, "recording.steps=2", "backtracking.iterations=2"],
    ...["recording.batchSize=4", "backtracking.batchSize=4"],
  );
  expect(distill.stderr).toBe("");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const isAnimated = (path: string) => readFileSync(path).includes("acTL", 0, "latin1");

describe("clips on the command line", () => {
  it("move in the run's folder and report, and their figures are followed", () => {
    const pictures = readdirSync(at("student/samples"));
    expect(pictures).toContain("reference.png");
    for (const name of pictures) expect(isAnimated(join(at("student/samples"), name))).toBe(true);
    const last = JSON.parse(readFileSync(at("student/metrics.jsonl"), "utf8").trim().split("\n").at(-1)!);
    expect(last.fid).toBeGreaterThan(0);
    expect(last.motionError).toBeGreaterThanOrEqual(0);
    expect(last.readableDigits).toBe(0);
    expect(last.readableFrames).toBeLessThan(0.5);
    const report = readFileSync(at("student/report.html"), "utf8");
    expect(report).toContain("Motion error");
    const [, embedded] = /src="data:image\/png;base64,([^"]+)"/.exec(report)!;
    expect(Buffer.from(embedded!, "base64").includes("acTL")).toBe(true);
  });

  it("are sampled as a GIF, as files that are data again, and judged", async () => {
    const gif = disback("sample", at("student"), "--count", "3", "--out", at("clips.gif"), "--quiet");
    expect(gif.stderr).toBe("");
    expect((await sharp(at("clips.gif"), { animated: true }).metadata()).pages).toBe(8);
    expect(disback("sample", at("student"), "--count", "3", "--out", at("clips"), "--quiet").status).toBe(0);
    const train = disback(
      ...["teacher", "train", "--preset", "video-dit", "--data", at("clips"), "--out", at("again"), ...brief],
      ...[
        "training.iterations=1",
        "training.batchSize=2",
        "evaluation.every=1",
        "evaluation.samples=2",
        ...smallTransformer,
      ],
    );
    expect(train.stderr).toBe("");
    const judged = disback("evaluate", at("student"), "--data", digits, "--count", "8", "--json");
    expect(JSON.parse(judged.stdout)).toMatchObject({
      readableDigits: 0,
      extractor: "moving-digits-classifier",
    });
  });

  it("are looked at, and refused where they do not fit, in one line", () => {
    const seen = disback("inspect", digits, "--out", at("data.png"));
    expect(seen.stdout).toContain("[1, 8, 16, 16]");
    expect(isAnimated(at("data.png"))).toBe(true);
    const fail = (...flags: string[]) => disback(...flags).stderr.trimEnd();
    expect(fail("sample", "2d-ring", "--count", "2", "--out", at("points.gif"))).toMatch(
      /^error: .*points\.gif: these samples are points, which do not move; give a \.png$/,
    );
    const train = ["teacher", "train", "--preset", "video", "--out", at("none")];
    expect(fail(...train, "--data", `${digits}&frames=4`)).toBe(
      `error: ${digits}&frames=4 gives 4 frames of 16 x 16 in grey, not frames 8: change its frames and size`,
    );
    expect(fail(...train, "--data", at("clips"), "--set", "model.frames=12")).toMatch(
      /^error: .*\.gif has 8 frames, but clips of 12 are asked for$/,
    );
  });
});
