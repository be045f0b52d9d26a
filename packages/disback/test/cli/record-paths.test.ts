import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { disback } from "./command.js";

// Each recording is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-paths-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const record = (out: string, ...more: string[]) =>
  disback(
    ...["record", "--teacher", "2d-ring", "--student", "untrained", "--threads", "1", "--steps", "4"],
    ...["--batch-size", "16", "--quiet", "--out", join(base, out), "--set", "recording.nodes=even-steps"],
    ...["recording.interval=2", ...more],
  );
const node = (folder: string) =>
  readFileSync(join(base, folder, "trajectory", "node-000004.safetensors")).toString("base64");

it("records several paths as single recordings would, and does not repeat them", () => {
  const both = record("paths", "--seeds", "1,2", "--jobs", "2", "--json");
  expect(both.stderr).not.toContain("error");
  expect(JSON.parse(both.stdout).paths).toEqual({
    "seed 1": join(base, "paths", "seed-1"),
    "seed 2": join(base, "paths", "seed-2"),
  });
  expect(record("single", "--seed", "2").status).toBe(0);
  expect(node("paths/seed-2")).toBe(node("single"));
  expect(node("paths/seed-1")).not.toBe(node("single"));
  const run = join(base, "paths", "seed-1", "run.json");
  const before = readFileSync(run, "utf8");
  expect(record("paths", "--seeds", "1,2").status).toBe(0);
  expect(readFileSync(run, "utf8")).toBe(before);
  const other = record("paths", "--seeds", "1,2", "--batch-size", "8");
  expect(other.stderr).toContain("was run with other settings; choose another --out");
});

it("refuses flags that do not go together", () => {
  expect(record("x", "--seeds", "1,1").stderr).toContain("--seeds 1,1: must be different whole numbers");
  expect(record("x", "--seeds", "1", "--seed", "2").stderr).toContain(
    "--seed and --seeds exclude each other",
  );
});
