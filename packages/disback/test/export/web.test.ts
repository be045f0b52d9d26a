import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ExportOptions, exportModel } from "../../src/runs/jobs/exporting.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";

const TEACHER = fileURLToPath(new URL("../../assets/teachers/2d-ring", import.meta.url));
let base: string;
const notices: string[] = [];

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-web-export-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A run whose student is the ring's teacher, run once. */
function makeRun(name: string, teacher: string): string {
  const run = join(base, name);
  mkdirSync(run);
  cpSync(TEACHER, join(run, "student"), { recursive: true });
  const generator = { format: "disback-generator-1", kind: "one-step", sigmaInit: 2.5 };
  writeFileSync(join(run, "student", "generator.json"), JSON.stringify(generator));
  const record = {
    format: RUN_FORMAT,
    command: "distill",
    settings: { teacher, evaluation: { teacherSteps: 4 } },
    seed: 0,
    ...describeEnvironment("0.1.0", "2.13.0"),
    startedAt: "2026-01-02T03:04:05.000Z",
    state: "finished",
  };
  writeFileSync(join(run, "run.json"), JSON.stringify(record));
  return run;
}

async function exported(run: string, name: string, options: Partial<ExportOptions> = {}) {
  const out = join(base, name);
  notices.length = 0;
  const progress = { notice: (line: string) => notices.push(line) } as unknown as ExportOptions["progress"];
  const all = { format: "web", precision: "f32", threads: 1, force: false, out, progress } as const;
  const report = await exportModel(run, { ...all, ...options });
  const site = JSON.parse(readFileSync(join(out, "site.json"), "utf8")) as unknown;
  return { out, report, site };
}

test("a run's page has its data's name and its own teacher to race", async () => {
  const { out, report, site } = await exported(makeRun("ring", "2d-ring"), "my site");
  expect(site).toEqual({
    name: "Ring of points",
    webgpu: false,
    teacher: { file: "teacher.onnx", steps: 4 },
  });
  expect(existsSync(join(out, "teacher.onnx"))).toBe(true);
  const facts = new Map(report.facts);
  // Pasted into a shell, the blank does no harm.
  expect(facts.get("serve it by")).toContain(`--directory '${out}'`);
  expect(facts.get("page")).toMatch(/^5\.\d MB in all, WebAssembly \(--webgpu adds WebGPU\)$/);
});

test("no race where none is wanted, or the teacher is gone, which is said", async () => {
  const without = await exported(join(base, "ring"), "without", { teacher: false });
  expect(without.site).toEqual({ name: "Ring of points", webgpu: false });
  expect(existsSync(join(without.out, "teacher.onnx"))).toBe(false);
  expect(notices).toEqual([]);
  const gone = await exported(makeRun("gone", join(base, "nowhere")), "gone-site");
  expect(gone.site).toEqual({ name: "nowhere", webgpu: false });
  expect(notices).toEqual([expect.stringMatching(/^no race against the teacher: .*nowhere: no such model/)]);
});

test("another teacher must make the same samples", async () => {
  const named = await exported(join(base, "gone"), "named", { teacher: "2d-ring", webgpu: true });
  expect(named.site).toMatchObject({ webgpu: true, teacher: { file: "teacher.onnx" } });
  expect(existsSync(join(named.out, "runtime", "webgpu.wasm.gz"))).toBe(true);
  await expect(exported(join(base, "ring"), "other", { teacher: "fashion-mnist-16" })).rejects.toThrow(
    "fashion-mnist-16",
  );
  expect(existsSync(join(base, "other"))).toBe(false);
});
