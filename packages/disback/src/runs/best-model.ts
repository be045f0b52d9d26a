import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fileError, makeFolder, removeIfPossible, writeFileAtomically } from "./atomic-file.js";
import type { RunFolder } from "./run-folder.js";
import type { BestSoFar } from "./stage-position.js";

/** Figures by which one model is better than another; the first there is counts, lower is better. */
export const BEST_BY = ["fid", "slicedWasserstein"];
/** Folders of best models in a run. */
export const BEST_FOLDERS = ["student-best", "teacher-best"] as const;

const FILE = "best.json";
const schema = z.object({ figure: z.string(), value: z.number(), iteration: z.number() });

/**
 * Puts a model in place of the best one before it, with `best.json` beside the weights. It is made under a temporary
 * name: whenever the process is killed, a best model is complete or absent, and a resumed run makes it again.
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

/** What `best.json` of a run says; undefined where there is none. */
export function readBest(runPath: string): (BestSoFar & { name: string }) | undefined {
  for (const name of BEST_FOLDERS) {
    const path = join(runPath, name, FILE);
    if (!existsSync(path)) continue;
    try {
      const best = schema.safeParse(JSON.parse(readFileSync(path, "utf8")));
      if (best.success) return { name, ...best.data };
    } catch {
      // A damaged file says nothing; the model beside it stays usable.
    }
  }
  return undefined;
}
