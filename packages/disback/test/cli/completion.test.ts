import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { disback } from "./command.js";

vi.setConfig({ testTimeout: 120_000 });

/** What the shells' scripts ask for: the words so far, the last one being completed. */
function offered(...words: string[]): string[] {
  const { status, stdout } = disback("complete", "--", ...words);
  expect(status).toBe(0);
  return stdout.split("\n").flatMap((line) => (line.startsWith(":") ? [] : line.split("\t")[0] || []));
}

describe("completion", () => {
  it("of commands, and of those of teacher", () => {
    expect(offered("dis")).toEqual(["distill"]);
    expect(offered("teacher", "")).toEqual(expect.arrayContaining(["train", "import"]));
  });

  it("of flags, and of the values of those that have names", () => {
    expect(offered("distill", "--record-n")).toEqual(["--record-nodes"]);
    expect(offered("distill", "--preset", "")).toEqual(expect.arrayContaining(["demo", "2d"]));
    expect(offered("distill", "--on-divergence", "r")).toEqual(["rollback"]);
  });

  it("is a script for each shell, and bash takes its own", () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { status, stdout, stderr } = disback("completion", shell);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("disback");
      if (shell === "bash") {
        expect(spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" })).toMatchObject({
          status: 0,
          stderr: "",
        });
      }
    }
  });

  it("knows no other shell", () => {
    const { status, stderr } = disback("completion", "tcsh");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*'tcsh' is invalid.*Allowed choices are zsh, bash, fish, powershell/);
  });
});
