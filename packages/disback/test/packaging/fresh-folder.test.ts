import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { install, PACKAGES, packAll, runIn, TSC } from "./fresh-folder.js";

// What a user does who installs the packages, outside of the repository. The addon is not compiled again: see install().
vi.setConfig({ testTimeout: 240_000, hookTimeout: 600_000 });

const place = mkdtempSync(join(tmpdir(), "disback-fresh-"));
const folder = join(place, "project");
const installed = (name: string) =>
  join(folder, "node_modules", name === "disback" ? name : `@disback/${name}`);

beforeAll(() => {
  install(folder, packAll(join(place, "packed")));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

it("installs packages that say what they are and bring what they name", () => {
  for (const name of PACKAGES) {
    const root = installed(name);
    const { license, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect({ license, node: engines.node }, name).toEqual({ license: "Apache-2.0", node: ">=20.19" });
    expect(readdirSync(root), name).toEqual(expect.arrayContaining(["LICENSE", "README.md"]));
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (file) => !file.startsWith("node_modules"),
    );
    expect(
      files.filter((file) => file.endsWith(".map")),
      name,
    ).toEqual([]);
    for (const file of files.filter((file) => /\.(js|d\.ts)$/.test(file)))
      expect(/^\/\/# sourceMappingURL=/m.test(readFileSync(join(root, file), "utf8")), file).toBe(false);
  }
});

it("finds all it needs: disback doctor", () => {
  const { findings } = JSON.parse(runIn(folder, "disback", "doctor", "--json"));
  expect(findings.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
});

it("type-checks a strict program with every subpath, and runs it", () => {
  copyFileSync(fileURLToPath(new URL("project.ts", import.meta.url)), join(folder, "project.ts"));
  const compilerOptions = {
    strict: true,
    module: "nodenext",
    target: "es2022",
    types: ["node"],
    skipLibCheck: false,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["project.ts"] }));
  runIn(folder, TSC, "-p", ".");
  const said = JSON.parse(runIn(folder, process.execPath, "project.js"));
  expect(said).toMatchObject({ teacher: "function", nodes: 2, shape: [2], runs: "function" });
  expect(said.distance).toBeGreaterThan(0);
  expect(said.difference).toBeLessThan(1e-5);
});

it("distills, samples and exports with the command", () => {
  const run = ["--teacher", "2d-ring", "--data", "toy:ring", "--iterations", "20", "--batch-size", "64"];
  const brief = ["--evaluate-every", "20", "--evaluation-samples", "100", "--threads", "1", "--quiet"];
  runIn(folder, "disback", "distill", ...run, ...brief, "--out", "runs/ring");
  expect(existsSync(join(folder, "runs/ring/report.html"))).toBe(true);
  runIn(folder, "disback", "sample", "runs/ring", "--count", "100", "--out", "samples.png");
  const exported = ["export", "runs/ring", "--format", "onnx", "--out", "ring.onnx", "--json"];
  const { difference } = JSON.parse(runIn(folder, "disback", ...exported));
  expect(difference).toBeLessThan(1e-4);
});
