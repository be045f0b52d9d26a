import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogSeries } from "../src/log-series.js";
import { LogTail, lastLine } from "../src/log-tail.js";
import { RunLogs } from "../src/run-logs.js";
import { SafeFolder } from "../src/safe-folder.js";
import { thin } from "../src/thin.js";
import type { LogLine } from "../src/wire.js";
import { line } from "./make-run.js";

const EVERYTHING = {
  axis: "iterations",
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
} as const;

function seriesOf(lines: Record<string, unknown>[]): LogSeries {
  const series = new LogSeries();
  for (const one of lines) series.add(one as LogLine);
  return series;
}

describe("tailing a log", () => {
  let base: string;
  let file: string;
  let folder: SafeFolder;
  const seen: number[] = [];
  let resets = 0;

  beforeEach(async () => {
    base = mkdtempSync(join(tmpdir(), "disback-studio-"));
    file = join(base, "log.jsonl");
    folder = await SafeFolder.at(base);
    seen.length = 0;
    resets = 0;
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const read = (tail: LogTail) =>
    tail.read(
      (entry) => seen.push(entry.iteration),
      () => resets++,
    );

  it("reads only what was added, and a torn line once it is whole", async () => {
    const tail = new LogTail(folder, ["log.jsonl"]);
    expect(await read(tail)).toBe(false);
    writeFileSync(
      file,
      '{"stage":"record","iteration":1}\n{"stage":"record","iteration":2}\n{"stage":"record","itera',
    );
    expect(await read(tail)).toBe(true);
    expect(seen).toEqual([1, 2]);
    appendFileSync(file, 'tion":3}\n');
    await read(tail);
    expect(seen).toEqual([1, 2, 3]);
    expect(await read(tail)).toBe(false);
    expect(resets).toBe(0);
  });

  it("leaves broken lines out, and starts over when the file became shorter", async () => {
    const tail = new LogTail(folder, ["log.jsonl"]);
    writeFileSync(
      file,
      '{"stage":"record","iteration":1}\nnonsense\nnull\n7\n[]\n{"stage":"other","iteration":5}\n{"stage":"record"}\n{"stage":"record","iteration":2}\n',
    );
    await read(tail);
    expect(seen).toEqual([1, 2]);
    writeFileSync(file, '{"stage":"record","iteration":9}\n');
    await read(tail);
    expect(seen).toEqual([1, 2, 9]);
    expect(resets).toBe(1);
  });

  it("finds the newest whole line without the rest", async () => {
    writeFileSync(
      file,
      `${'{"stage":"record","iteration":1}\n'.repeat(5000)}{"stage":"record","iteration":2}\n{"itera`,
    );
    expect(await lastLine(folder, "log.jsonl")).toEqual({ stage: "record", iteration: 2 });
  });
});

describe("a log as columns", () => {
  it("drops what a resumed run does again", () => {
    const series = seriesOf(
      [10, 20, 30].map((iteration) => line("backtrack", iteration, { loss: iteration })),
    );
    series.add(line("backtrack", 20, { loss: 5 }) as LogLine);
    expect(series.lines).toBe(2);
    expect([...series.figure("loss").subarray(0, 2)]).toEqual([10, 5]);
    expect(series.epoch).toBeGreaterThan(0);
  });

  it("knows figures that come late, and lines without them", () => {
    const series = seriesOf([
      line("record", 1, { loss: 1 }),
      line("backtrack", 1, { fid: 2 }),
      line("backtrack", 2, {}),
    ]);
    const curves = thin(series, { ...EVERYTHING, points: 100 }, { backtrack: { iteration: 1, images: 64 } });
    expect(curves.figures).toEqual({ loss: [1, null, null], fid: [null, 2, null] });
    expect(curves.iterations).toEqual([1, 2, 3]);
    expect(curves.images).toEqual([64, 128, 192]);
    expect(curves.stages).toEqual(["record", "backtrack", "backtrack"]);
  });
});

describe("the stages of a run", () => {
  it("count on from each other, as long as each really was", async () => {
    const base = mkdtempSync(join(tmpdir(), "disback-studio-"));
    const stages = [
      line("imitate", 100, { loss: 1 }),
      line("record", 32, { loss: 1 }),
      line("backtrack", 0, { fid: 9 }),
      line("backtrack", 50, { fid: 5 }),
    ];
    for (const one of stages) appendFileSync(join(base, "metrics.jsonl"), `${JSON.stringify(one)}\n`);
    const logs = new RunLogs(await SafeFolder.at(base));
    const { evaluations, offsets, done } = await logs.curves(".", { ...EVERYTHING, points: 100 });
    expect(done).toEqual({ imitate: 100, record: 32, backtrack: 50 });
    expect(offsets).toEqual({ record: 100, backtrack: 132 });
    expect(evaluations.iterations).toEqual([100, 132, 132, 182]);
    rmSync(base, { recursive: true });
  });
});

describe("thinning", () => {
  const lines = Array.from({ length: 10_000 }, (_, i) =>
    line("backtrack", i, { loss: i === 7321 ? 99 : 1, gap: i }),
  );
  const series = seriesOf(lines);

  it("keeps the ends and every peak, and few lines", () => {
    const { figures, iterations } = thin(series, { ...EVERYTHING, points: 400 }, {});
    expect(iterations.length).toBeLessThan(700);
    expect(iterations.at(0)).toBe(0);
    expect(iterations.at(-1)).toBe(9999);
    expect(figures.loss).toContain(99);
    expect(iterations).toEqual([...iterations].sort((a, b) => a - b));
  });

  it("gives a stretch in full, with one line beyond each end", () => {
    const { iterations } = thin(series, { axis: "seconds", from: 100, to: 102, points: 400 }, {});
    expect(iterations.at(0)).toBe(999);
    expect(iterations.at(-1)).toBe(1021);
    expect(iterations).toHaveLength(23);
  });
});
