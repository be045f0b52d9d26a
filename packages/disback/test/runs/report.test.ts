import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeReport } from "../../src/runs/report/report.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";

let base: string;
let html: string;

/** A grey grid of noise, as a sample grid would be. */
async function picture(path: string, seed: number): Promise<void> {
  const pixels = Uint8Array.from({ length: 128 * 128 }, (_, i) => (i * 2654435761 * (seed + 1)) >>> 24);
  await sharp(pixels, { raw: { width: 128, height: 128, channels: 1 } })
    .png()
    .toFile(path);
}

/** Says what is missing, without showing all of the page. */
function expectText(text: string): void {
  expect(html.includes(text), text).toBe(true);
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-report-"));
  const run = RunFolder.create(join(base, "run"), {
    format: RUN_FORMAT,
    command: "distill",
    preset: "demo",
    settings: { teacher: "<script>alert(1)</script>", seed: 0, backtracking: { iterations: 300 } },
    seed: 0,
    ...describeEnvironment("0.1.0", "2.13.0"),
    startedAt: "2026-01-02T03:04:05.000Z",
    state: "running",
  });
  for (let iteration = 10; iteration <= 40; iteration += 10) {
    run.metrics.append({
      stage: "record",
      iteration,
      images: iteration * 128,
      seconds: iteration / 4,
      loss: 1 / iteration,
    });
  }
  for (let iteration = 0; iteration <= 300; iteration += 10) {
    const fid = 314 * Math.exp(-iteration / 40) + 9;
    run.metrics.append({
      stage: "backtrack",
      iteration,
      images: iteration * 128,
      seconds: 10 + iteration * 0.6,
      fid,
      mismatch: fid / 10,
      target: Math.max(0, 3 - Math.floor(iteration / 8)),
      loss: 0.2 + fid / 1000,
    });
    await picture(run.samplePath("backtrack", iteration), iteration);
  }
  await picture(run.file("samples", "reference.png"), 7);
  run.update({
    state: "finished",
    result: {
      teacherFid: 4.1,
      teacherEvaluations: 35,
      studentRate: 4000,
      teacherRate: 110,
      measuredWith: "FID in the features of fashion-mnist-16-classifier, 3,000 samples.",
    },
  });
  run.close();
  html = readFileSync(writeReport(run.path), "utf8");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

it("shows the figures a reader wants first", () => {
  for (const text of [
    "DisBack: demo",
    "FID at start",
    "323",
    "FID at end",
    "9.17",
    "4.1",
    "36.4×",
    "35 evaluations",
  ]) {
    expectText(text);
  }
  expectText("FID in the features of fashion-mnist-16-classifier");
});

it("draws each curve as SVG in the page's colours", () => {
  const titles = ["FID", "FID by time", "Mismatch degree", "Loss", "Position on the trajectory", "Recording"];
  for (const title of titles) expectText(`<figcaption>${title}`);
  expect(html.match(/<svg /g)).toHaveLength(6);
  expectText('stroke="var(--series-1)"');
  expect(html.match(/#01020\d/)).toBeNull();
  expectText("teacher 4.1");
});

it("shows grids over time, thinned out, first and last kept, the teacher's at the end", () => {
  expect(html.match(/<img /g)).toHaveLength(24);
  expectText("<b>iteration 0</b><span>FID 323</span>");
  expectText("<b>iteration 300</b><span>FID 9.17</span>");
  expect(html.lastIndexOf("<b>teacher</b>")).toBeGreaterThan(html.lastIndexOf("<b>iteration 300</b>"));
});

it("lists the settings and versions, escaped", () => {
  expectText("<code>backtracking.iterations</code></th><td>300</td>");
  expectText("<code>version.libtorch</code></th><td>2.13.0</td>");
  expectText("&lt;script&gt;alert(1)&lt;/script&gt;");
});

it("asks for nothing outside and runs no script", () => {
  expectText("default-src 'none'");
  const text = html.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "");
  expect(text.match(/<script|<link|@import|url\((?!#)|src="(?!data:)|https?:/g)).toBeNull();
});

it("is there for a run without any evaluation yet", () => {
  const run = RunFolder.create(join(base, "young"), {
    format: RUN_FORMAT,
    command: "teacher train",
    settings: { seed: 0 },
    seed: 0,
    ...describeEnvironment("0.1.0", "2.13.0"),
    startedAt: "2026-01-02T03:04:05.000Z",
    state: "stopped",
  });
  run.close();
  const young = readFileSync(writeReport(run.path), "utf8");
  expect(young).toContain("stopped, started 2026-01-02 03:04 UTC");
  expect(young).not.toContain("<h2>Curves</h2>");
});
