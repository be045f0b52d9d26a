import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fromTypedArray } from "@disback/torch";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { writePngFolder } from "../../src/data/output/png.js";
import { disback, ownFolder, showing } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 240_000 });

const at = ownFolder();
const brief = showing(8, 2);
const network = ["model.network=pair-unet", "model.imageResolution=16", "model.imageChannels=1"];
const tiny = ["model.modelChannels=8", "model.channelMultipliers=[1,1]", "model.blocksPerResolution=1"];
const training = ["training.iterations=4", "training.batchSize=8"];

beforeAll(async () => {
  for (const [name, value] of [
    ["black", -1],
    ["white", 1],
  ] as const) {
    mkdirSync(at(`data/${name}`), { recursive: true });
    await writePngFolder(
      at(`data/${name}`),
      fromTypedArray(new Float32Array(6 * 256).fill(value), [6, 1, 16, 16]),
      0,
    );
  }
  const train = disback(
    ...["teacher", "train", "--data", at("data"), "--out", at("teacher")],
    ...[...brief, ...network, ...tiny, ...training, "model.letterChannels=8"],
  );
  expect(train.stderr).toContain("knows other classes than the data");
  expect(train.status).toBe(0);
});

describe("pairs of a picture and a word", () => {
  it("are learned, distilled and shown with their words", () => {
    const config = JSON.parse(readFileSync(at("teacher/teacher/config.json"), "utf8"));
    expect(config.letters.join("")).toBe(" abcehikltw");
    expect(config.textLength).toBe(5);
    const student = disback(
      ...[
        "distill",
        "--teacher",
        at("teacher"),
        "--data",
        at("data"),
        "--method",
        "disback",
        "--out",
        at("run"),
      ],
      ...[...brief, "backtracking.iterations=2", "backtracking.batchSize=8", "recording.steps=2"],
      ...["recording.batchSize=8", "recording.maximumNodes=2"],
    );
    expect(student.status).toBe(0);
    const entries = readFileSync(at("run/metrics.jsonl"), "utf8").trim().split("\n");
    expect(JSON.parse(entries.at(-1)!)).toMatchObject({
      fid: expect.any(Number),
      validWords: expect.any(Number),
    });
    expect(existsSync(at("run/report.html"))).toBe(true);
    const drawn = disback("sample", at("run"), "--count", "3", "--out", at("pairs.png"));
    expect(drawn.status).toBe(0);
    const words = disback("sample", at("run"), "--count", "3", "--out", at("words.txt"));
    expect(words.status).toBe(0);
    expect(readFileSync(at("words.txt"), "utf8").split("\n")).toHaveLength(4);
    const judged = disback("evaluate", at("run"), "--data", at("data"), "--count", "8", "--json");
    expect(JSON.parse(judged.stdout)).toHaveProperty("validWords");
  });

  it("refuse what does not fit", () => {
    const train = (...more: string[]) =>
      disback("teacher", "train", "--out", at("no"), ...brief, ...network, ...tiny, ...training, ...more);
    const classes = train("--data", at("data"), "--conditional");
    expect(classes.stderr).toContain('"conditional": has no effect on pairs');
    const nameless = train("--data", at("data/black"));
    expect(nameless.stderr).toContain("has neither captions nor classes with names, so no words");
    const page = disback("export", at("run"), "--format", "web", "--out", at("site"));
    expect(page.stderr).toContain("--format web: a page shows pictures, no texts");
    const label = disback("sample", at("run"), "--label", "black", "--out", at("no.png"));
    expect(label.stderr).toContain("this model has no classes");
  });
});
