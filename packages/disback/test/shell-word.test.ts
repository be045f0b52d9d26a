import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellWord } from "../src/shell-word.js";

test.each(["runs/demo", "my runs/a b", "it's", "$HOME;`x`", "", "ü"])("%j is one word to a shell", (path) => {
  const said = execFileSync("sh", ["-c", `printf %s ${shellWord(path)}`], { encoding: "utf8" });
  expect(said).toBe(path);
});

test("what needs no quotes has none", () => {
  expect(shellWord("runs/demo-1.5")).toBe("runs/demo-1.5");
});
