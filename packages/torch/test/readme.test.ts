import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "node:util";
import { afterAll, expect, test, vi } from "vitest";

// Where the package itself is found by its name, and git does not look.
const build = join(import.meta.dirname, "..", "build");
mkdirSync(build, { recursive: true });
const folder = mkdtempSync(join(build, "readme-"));
const before = process.cwd();
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const program = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block).join("\n");
const file = join(folder, "readme.ts");
writeFileSync(file, program);

test("README's code prints what its comments say", async () => {
  const expected = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  expect(expected.length).toBe(program.split("console.log(").length - 1);
  const printed: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...values) => void printed.push(format(...values)));
  process.chdir(folder);
  await import(file);
  log.mockRestore();
  expect(printed).toEqual(expected);
});

test("README's code has no errors of types", () => {
  const compiler = join(import.meta.dirname, "..", "..", "..", "node_modules", ".bin", "tsc");
  const options = ["--noEmit", "--ignoreConfig", "--strict", "--noUncheckedIndexedAccess", "--skipLibCheck"];
  options.push("--module", "nodenext", "--target", "esnext", "--types", "node", file);
  const { status, stdout } = spawnSync(compiler, options, { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

test("README's table names modules that exist, and none of those that do not", async () => {
  const torch = await import("@disback/torch");
  const table = readme.slice(readme.indexOf("## Beside torch.nn"));
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2);
  const names = (cell: string): string[] =>
    cell
      .replace(/`[^`]*`|\([^)]*\)/g, "")
      .match(/\b[A-Z]\w*(\/\dd)*/g)!
      .flatMap((name) => {
        const [first, ...others] = name.split("/");
        return [first!, ...others.map((axes) => first!.replace(/\dd$/, axes))];
      });
  for (const row of rows) {
    const [, , here = ""] = row.split("|");
    if (!/[A-Z]/.test(here.replace(/`[^`]*`|\([^)]*\)/g, ""))) continue;
    const families = /each 1d\/2d\/3d/.test(here);
    for (const name of names(here.replace("each 1d/2d/3d", "")))
      for (const full of families ? [`${name}1d`, `${name}2d`, `${name}3d`] : [name])
        expect(torch, full).toHaveProperty(full);
  }
  expect(rows.length).toBeGreaterThan(10);
});
