import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fileError, makeFolder, removeIfPossible, writeFileAtomically } from "./atomic-file.js";
import type { RunFolder } from "./run-folder.js";
import type { BestSoFar } from "./stage-position.js";

/** Figures that rank models. The first available one counts; lower is better. */
export const BEST_BY = ["fid", "slicedWasserstein", "trigramDivergence"];
/** Folders of best models in a run. */
export const BEST_FOLDERS = ["student-best", "teacher-best"] as const;

const FILE = "best.json";
const schema = z.object({ figure: z.string(), value: z.number(), iteration: z.number() });

/**
 * Replaces the best model so far, and writes `best.json` beside the weights. The folder is made under a temporary name,
 * so a best model is always complete or absent. A resumed run makes it again.
 *
 * @param save writes the model into a folder
 * @throws DisbackError naming the folder when it cannot be written
 */
export function keepBestModel(
  run: RunFolder,
  name: (typeof BEST_FOLDERS)[number],
  best: BestSoFar,
  save: (folder: string) => void,
): void {
  const folder = run.file(name);
  const partial = `${folder}.partial-${process.pid}`;
  const removed = `${folder}.removed-${process.pid}`;
  try {
    rmSync(partial, { recursive: true, force: true });
    makeFolder(partial, folder);
    save(partial);
    writeFileAtomically(join(partial, FILE), `${JSON.stringify(best)}\n`);
    if (existsSync(folder)) renameSync(folder, removed);
    renameSync(partial, folder);
    rmSync(removed, { recursive: true, force: true });
  } catch (error) {
    removeIfPossible(partial);
    throw fileError("write", folder, error);
  }
}

/** The content of a run's `best.json`; undefined if there is none. */
export function readBest(runPath: string): (BestSoFar & { name: string }) | undefined {
  for (const name of BEST_FOLDERS) {
    const path = join(runPath, name, FILE);
    if (!existsSync(path)) continue;
    try {
      const best = schema.safeParse(JSON.parse(readFileSync(path, "utf8")));
      if (best.success) return { name, ...best.data };
    } catch {
      // A damaged file counts as none; the model beside it stays usable.
    }
  }
  return undefined;
}
