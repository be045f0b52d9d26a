import { DisbackError } from "../../errors.js";

const known = new Set(["train", "training", "test", "testing", "val", "valid", "validation"]);

/** The paths of one split, and how deep its folder lies (0: `train/…`, 1: `name/train/…`, -1: there are no splits). */
export interface SplitPaths {
  paths: string[];
  depth: number;
}

/**
 * Keeps the paths of one split, where all of them lie in folders such as `train/` and `test/`, at the top or one
 * folder deeper. Without such folders there are no splits (so a class may be called "train" among others).
 * @param paths with forward slashes
 * @param split default "train" where the paths have that split, else all
 * @param where the source, for the error's text
 * @throws DisbackError if the split asked for is not there
 */
export function selectSplit(paths: string[], split: string | undefined, where: string): SplitPaths {
  for (const depth of [0, 1]) {
    const folders = paths.map((path) => path.split("/").slice(0, -1)[depth] ?? "");
    if (!folders.every((folder) => known.has(folder))) continue;
    const wanted = split ?? (folders.includes("train") ? "train" : undefined);
    if (!wanted) return { paths, depth };
    const kept = paths.filter((_, index) => folders[index] === wanted);
    if (kept.length > 0) return { paths: kept, depth };
    const found = [...new Set(folders)].sort().join(", ");
    throw new DisbackError(`${where} has no split "${wanted}" (found: ${found})`);
  }
  if (split && paths.length > 0)
    throw new DisbackError(
      `${where} has no split "${split}": its images do not lie in folders such as train and test`,
    );
  return { paths, depth: -1 };
}
