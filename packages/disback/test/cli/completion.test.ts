import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { disback, MAIN } from "./command.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-completion-"));
  writeFileSync(join(folder, "disback"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, {
    mode: 0o755,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash would offer after these words, the last one being completed. */
function offered(...words: string[]): string[] {
  const script = `
    source <(disback completion bash)
    COMP_WORDS=(disback ${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length}
    COMP_LINE="disback ${words.join(" ")}"
    COMP_POINT=\${#COMP_LINE}
    function=$(complete -p disback | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    $function
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").flatMap((line) => line.trim().split(/\s/)[0] || []);
}

describe("in bash", () => {
  it("commands are completed", () => {
    expect(offered("dis")).toEqual(["distill"]);
    expect(offered("")).toEqual(expect.arrayContaining(["record", "backtrack", "doctor", "completion"]));
  });

  it("and those of teacher", () => {
    expect(offered("teacher", "")).toEqual(expect.arrayContaining(["train", "import"]));
  });

  it("flags, and the values of those that have names", () => {
    expect(offered("distill", "--rec")).toContain("--record-when");
    expect(offered("distill", "--preset", "")).toEqual(expect.arrayContaining(["demo", "2d"]));
    expect(offered("distill", "--on-divergence", "r")).toEqual(["rollback"]);
  });
});

it.each(["bash", "zsh", "fish"])("prints a script for %s", (shell) => {
  const { status, stdout, stderr } = disback("completion", shell);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("disback");
});

it("knows no other shell", () => {
  const { status, stderr } = disback("completion", "tcsh");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: .*'tcsh' is invalid.*Allowed choices are zsh, bash, fish, powershell/);
});
