import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type MetricsEntry, MetricsLog } from "../../src/runs/metrics-log.js";

let folder: string;
let log: MetricsLog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-metrics-"));
  log = new MetricsLog(join(folder, "metrics.jsonl"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (iteration: number, fid: number): MetricsEntry => ({
  stage: "backtrack",
  iteration,
  images: iteration * 128,
  seconds: iteration,
  fid,
});

it("gives back what was appended", () => {
  log.append(entry(0, 314));
  log.append(entry(50, 17.5));
  expect(log.read()).toEqual([entry(0, 314), entry(50, 17.5)]);
  expect(readFileSync(log.path, "utf8").split("\n")).toHaveLength(3);
});

it("is empty before the first evaluation", () => {
  expect(log.read()).toEqual([]);
});

it("leaves out a torn last line, and cuts it off before writing on", () => {
  log.append(entry(0, 314));
  appendFileSync(log.path, '{"stage":"backtrack","iteration":50,"fi');
  expect(log.read()).toEqual([entry(0, 314)]);
  log.append(entry(50, 17));
  expect(log.read()).toEqual([entry(0, 314), entry(50, 17)]);
});

it("cuts off a torn line longer than a block, and one without any line before", () => {
  log.append(entry(0, 314));
  appendFileSync(log.path, "x".repeat(10_000));
  log.append(entry(50, 17));
  expect(log.read()).toHaveLength(2);
  writeFileSync(log.path, "y".repeat(5000));
  log.append(entry(0, 1));
  expect(log.read()).toEqual([entry(0, 1)]);
});

it("names a broken line that is not the last", () => {
  writeFileSync(log.path, `${JSON.stringify(entry(0, 1))}\nnonsense\n${JSON.stringify(entry(2, 1))}\n`);
  expect(() => log.read()).toThrow(/metrics\.jsonl:2: not a line of metrics/);
});

it("keeps the last of evaluations that a continued run repeated", () => {
  for (const [iteration, fid] of [
    [0, 314],
    [50, 17],
    [100, 12],
    [50, 17.1],
    [100, 12.1],
  ] as const) {
    log.append(entry(iteration, fid));
  }
  expect(log.read().map(({ iteration, fid }) => [iteration, fid])).toEqual([
    [0, 314],
    [50, 17.1],
    [100, 12.1],
  ]);
});

it("keeps NaN visible", () => {
  log.append(entry(0, Number.NaN));
  expect(readFileSync(log.path, "utf8")).toContain('"fid":"NaN"');
});
