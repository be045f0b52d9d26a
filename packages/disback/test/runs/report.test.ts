import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tickFormat } from "../../src/runs/report/chart-svg.js";
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
    settings: {
      teacher: "fashion-mnist-16",
      note: "<script>alert(1)</script>",
      seed: 0,
      evaluation: { grid: 16 },
      imitation: { steps: 300 },
      backtracking: { iterations: 300, objective: "sid", sid: { alpha: 1.2 }, dmd2: { realSamples: 5 } },
    },
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
      studentEvaluations: 1,
      studentRate: 4000,
      teacherRate: 110,
      problems: ["collapse: the samples' spread fell from 0.7 to 0.1; try a lower studentLearningRate"],
      measuredWith: "FID in the features of fashion-mnist-16-classifier, 3,000 samples.",
    },
  });
  run.close();
  html = readFileSync(writeReport(run.path), "utf8");
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

it("is titled by its data, and says first what came out", () => {
  expectText("<h1>Fashion-MNIST, 16×16</h1>");
  expectText("1 evaluation instead of 35, 36.4 times as many samples per second, FID 9.17, the teacher 4.1");
  const order = ['class="sentence"', 'class="result"', 'class="headline"', "<h2>Curves", "Settings in use"];
  const places = order.map((mark) => html.indexOf(mark));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});

it("shows the figures a reader wants first", () => {
  for (const text of ["FID at start", "323", "FID at end", "9.17", "4.1", "36.4×", "35 evaluations"])
    expectText(text);
  expectText("FID in the features of fashion-mnist-16-classifier");
  expectText("<b>Problem</b> collapse: the samples");
});

it("draws each curve as SVG in the page's colours, under the names of the one table", () => {
  const titles = [
    "FID: distance to the data",
    "FID by time",
    "Mismatch degree to the target",
    "Loss of the model being fitted",
    "Target on the trajectory",
    "Recording",
  ];
  for (const title of titles) expectText(`<figcaption><b>${title}`);
  expect(html.match(/<svg /g)).toHaveLength(6);
  expectText('stroke="var(--series-1)"');
  expect(html.match(/#01020\d/)).toBeNull();
  expectText("teacher 4.1");
});

it("shows the student over time, thinned out, first and last kept, and the teacher beside it", () => {
  expect(html.match(/<img /g)).toHaveLength(24);
  // All but the last wait for the slider.
  expect(html.match(/<img [^>]* hidden>/g)).toHaveLength(22);
  expectText('data-caption="iteration 0, FID 323" hidden>');
  expectText('data-caption="iteration 300, FID 9.17">');
  expectText('alt="samples, teacher, from the same noise"');
});

it("lists the settings in use and versions, escaped and folded", () => {
  expectText("<code>backtracking.iterations</code></th><td>300</td>");
  expectText("<code>backtracking.sid.alpha</code>");
  expectText("<code>version.libtorch</code></th><td>2.13.0</td>");
  expectText("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(html).not.toContain("backtracking.dmd2");
  expect(html).not.toContain("imitation.steps");
  expect(html).not.toContain("<details open");
});

it("asks for nothing outside, and runs no script but its own", () => {
  expectText("default-src 'none'");
  const [script, ...others] = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text!);
  expect(others).toEqual([]);
  expectText(`script-src 'sha256-${createHash("sha256").update(script!).digest("base64")}'`);
  const text = html.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "").replace(script!, "");
  expect(text.match(/<link|@import|url\((?!#)|src="(?!data:)|https?:/g)).toBeNull();
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

it("shows the stages in their order: what a student imitated comes before what it was distilled to", async () => {
  const folder = join(base, "staged");
  const run = RunFolder.create(folder, { ...RunFolder.follow(join(base, "run")).record, state: "running" });
  for (const [stage, iteration] of [
    ["imitate", 0],
    ["imitate", 9],
    ["backtrack", 0],
    ["backtrack", 5],
  ] as const) {
    run.metrics.append({ stage, iteration, images: 0, seconds: 1, fid: 50 - iteration });
    await picture(run.samplePath(stage, iteration), iteration);
  }
  run.close();
  const page = readFileSync(writeReport(run.path), "utf8");
  expect(page).toContain('data-caption="iteration 5, FID 45">');
  expect([...page.matchAll(/data-caption="iteration (\d+)/g)].map(([, iteration]) => iteration)).toEqual([
    "0",
    "9",
    "0",
    "5",
  ]);
});

it("ticks of an axis differ from their neighbours", () => {
  expect([1.17, 1.1725, 1.175].map(tickFormat(0.009))).toEqual(["1.17", "1.173", "1.175"]);
  expect([0, 250, 1000].map(tickFormat(1000))).toEqual(["0", "250", "1,000"]);
  expect(tickFormat(0)(0.123456)).toBe("0.123");
});
