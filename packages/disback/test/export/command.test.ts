import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { disback } from "../cli/command.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-export-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a shipped teacher becomes an ONNX file, with figures; what is there is not overwritten", () => {
  const out = join(folder, "ring.onnx");
  const flags = ["export", "2d-ring", "--format", "onnx", "--out", out, "--threads", "1"];
  const { status, stdout } = disback(...flags, "--json");
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ kind: "teacher", format: "onnx", out, bytes: readFileSync(out).length });
  expect(report.difference).toBeLessThan(1e-4);

  const again = disback(...flags);
  expect(again.status).toBe(1);
  expect(again.stderr).toBe(`error: ${out}: already there; choose another place or give --force\n`);
  expect(readdirSync(folder)).toEqual(["ring.onnx"]);
});

test("what cannot be exported is one line, and nothing is left behind", () => {
  const out = join(folder, "x.onnx");
  expect(disback("export", "2d-rin", "--format", "onnx", "--out", out).stderr).toMatch(
    /^error: 2d-rin: no such model folder \(did you mean "2d-ring"\?\)/m,
  );
  expect(disback("export", "2d-ring", "--format", "onnnx", "--out", out).stderr).toContain(
    "Allowed choices are",
  );
  writeFileSync(join(folder, "file"), "");
  const blocked = disback("export", "2d-ring", "--format", "safetensors", "--out", join(folder, "file", "x"));
  expect(blocked.status).toBe(1);
  // What was being done, and one line of what is wrong.
  expect(blocked.stderr.trim().split("\n")).toEqual(["reading 2d-ring", expect.stringMatching(/^error: /)]);
  expect(readdirSync(folder).sort()).toEqual(["file", "ring.onnx"]);
});

test("a precision that a format does not have is refused, not ignored", () => {
  for (const format of ["edm", "safetensors"]) {
    const out = join(folder, `precise.${format}`);
    const { status, stderr } = disback(
      "export",
      "2d-ring",
      "--format",
      format,
      "--precision",
      "f16",
      "--out",
      out,
    );
    expect(stderr).toMatch(/^error: --precision f16: .* f32; leave it out$/m);
    expect(status).toBe(1);
    expect(existsSync(out)).toBe(false);
  }
});
