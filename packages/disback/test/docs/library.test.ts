import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, vi } from "vitest";

vi.setConfig({ testTimeout: 240_000 });

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
/** A project of a user's, with the packages of this repository. */
const project = mkdtempSync(join(tmpdir(), "disback-library-"));
symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** The blocks of code of a page, as one program. */
function program(page: string): string {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join("\n");
}

function run(command: string, ...flags: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, flags, { cwd: project, encoding: "utf8" });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

it("the code of docs/library.md is typed, and does what the page says", () => {
  const code = program("library.md");
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(project, "page.ts"), code);
  const compilerOptions = {
    strict: true,
    module: "nodenext",
    target: "es2022",
    types: ["node"],
    skipLibCheck: true,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["page.ts"] }));
  run(join(ROOT, "node_modules/.bin/tsc"), "-p", ".");
  const said = run(process.execPath, "page.js").trim().split("\n");
  expect(said).toHaveLength(6);
  expect(said[0]).toBe("[ 2 ]");
  expect(said[1]).toMatch(/copy/);
  const [, distance] = /^distance to the data: (\S+)$/.exec(said[2]!)!;
  expect(Number(distance)).toBeLessThan(0.3);
  expect(said[3]).toBe("4 nodes, 1 evaluation per sample");
  expect(said[4]).toBe("student: 16 x 2 numbers in 1 evaluation");
  expect(said[5]).toBe("student.onnx: 16 x 2 numbers in 1 evaluation");
  expect(existsSync(join(project, "samples.png"))).toBe(true);
});
