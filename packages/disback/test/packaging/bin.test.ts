import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "disback-bin-"));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

/** What a clean clone has of the package's folder, and its package.json without what must be fetched. */
function cleanClone(): void {
  const files = execFileSync("git", ["ls-files", "packages/disback/bin", "packages/disback/package.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  for (const file of files.trim().split("\n")) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  const manifest = JSON.parse(readFileSync(join(clone, "packages/disback/package.json"), "utf8"));
  const { dependencies: _, devDependencies: __, ...rest } = manifest;
  writeFileSync(join(clone, "packages/disback/package.json"), JSON.stringify(rest));
  writeFileSync(
    join(clone, "package.json"),
    JSON.stringify({ name: "workspace", private: true, workspaces: ["packages/*"] }),
  );
}

// npm links the commands of a workspace before the root's `prepare` builds dist/, and leaves out those without a file.
it("links the command in one installation of a clean clone, before anything is built", () => {
  cleanClone();
  execFileSync("npm", ["install", "--offline", "--ignore-scripts"], { cwd: clone, stdio: "pipe" });
  const cli = join(clone, "packages/disback/dist/cli");
  mkdirSync(cli, { recursive: true });
  writeFileSync(join(cli, "main.js"), 'console.log("built later");');
  const said = execFileSync(join(clone, "node_modules/.bin/disback"), { encoding: "utf8" });
  expect(said).toBe("built later\n");
});
