import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { disback } from "../cli/command.js";
import { fixture } from "./fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-import-command-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("disback teacher import says what it found", () => {
  const out = join(folder, "teacher");
  const flags = ["--out", out, "--samples", "2", "--steps", "2"];
  const { status, stdout } = disback("teacher", "import", fixture("ve-ncsnpp.pkl"), ...flags);
  expect(status).toBe(0);
  expect(stdout).toMatch(/network +song-unet, ve \(VEPrecond\)/);
  expect(stdout).toMatch(/samples +1 x 8 x 8, unconditional/);
  expect(disback("inspect", out).stdout).toContain("model: denoiser");
});

it("mistakes are one line, and nothing is written", () => {
  const out = ["--out", join(folder, "teacher")];
  for (const [file, message] of [
    ["hostile-system.pkl", /^error: .*hostile-system\.pkl: refused.*posix\.system \(byte 36\).*\n$/],
    ["state.pt", /^error: .*--config\n$/],
  ] as const) {
    const { status, stderr } = disback("teacher", "import", fixture(file), ...out);
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  }
  expect(disback("teacher", "import", "x.pkl", ...out, "--samples", "-1").status).toBe(2);
  expect(readdirSync(folder)).toEqual([]);
});
