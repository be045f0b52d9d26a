import { DisbackError } from "../../errors.js";
import type { Findings } from "../left-out.js";

const names: Record<string, readonly string[]> = {
  train: ["train", "training"],
  test: ["test", "testing"],
  val: ["val", "valid", "validation", "dev"],
};

/** "train", "test" or "val" for a folder's name of that meaning, in any case; undefined for others. */
export function splitOf(folder: string): string | undefined {
  const lower = folder.toLowerCase();
  return Object.keys(names).find((split) => names[split]!.includes(lower));
}

/** The paths of one split, and how deep the folder above its classes lies (0: `train/…`, 1: `name/train/…`, -1: the top). */
export interface SplitPaths {
  paths: string[];
  depth: number;
  /** the images of "train", whose folders number the classes; all of them where there is no such split */
  training: string[];
}

/**
 * Keeps the images of one split, where they lie in folders such as `train/` and `test/`, at the top or one folder
 * deeper. There are splits if all images lie in such folders, or if two splits are among the folders (so a class may be
 * called "train" among others). Images outside the split are counted.
 * @param paths with forward slashes
 * @param split default "train" where the paths have that split, else all
 * @param where the source, for the error's text
 * @throws DisbackError if the requested split is missing
 */
export function selectSplit(
  paths: string[],
  split: string | undefined,
  where: string,
  findings: Findings,
): SplitPaths {
  for (const depth of [0, 1]) {
    const folderOf = (path: string): string => path.split("/").slice(0, -1)[depth] ?? "";
    const folders = [...new Set(paths.map(folderOf))];
    const meanings = new Set(folders.map(splitOf).filter((name) => name !== undefined));
    if (meanings.size === 0 || (meanings.size < 2 && !folders.every(splitOf))) continue;
    return choose({ paths, folders, folderOf, depth, split, where, findings });
  }
  if (split && paths.length > 0)
    throw new DisbackError(
      `${where} has no split "${split}": its images do not lie in folders such as train and test`,
    );
  return { paths, depth: -1, training: paths };
}

interface Choice {
  paths: string[];
  folders: string[];
  folderOf: (path: string) => string;
  depth: number;
  split: string | undefined;
  where: string;
  findings: Findings;
}

function choose({ paths, folders, folderOf, depth, split, where, findings }: Choice): SplitPaths {
  const meant = (folder: string): string => splitOf(folder) ?? folder;
  const inSplit = (wanted: string): string[] =>
    paths.filter((path) => meant(folderOf(path)) === meant(wanted));
  const training = inSplit("train");
  // cat/train, dog/train: the classes are the folders above.
  const above = new Set(paths.map((path) => path.split("/")[0]));
  const below = depth === 1 && above.size > 1 ? -1 : depth;
  if (!split && training.length === 0) {
    findings.note(`there is no split "train": the images of ${folders.sort().join(", ")} are read together`);
    return { paths, depth: below, training: paths };
  }
  const kept = inSplit(split ?? "train");
  if (kept.length === 0) {
    const found = folders.filter((folder) => folder !== "");
    throw new DisbackError(`${where} has no split "${split}" (found: ${found.sort().join(", ")})`);
  }
  for (const folder of folders.sort()) {
    const count = paths.filter((path) => folderOf(path) === folder).length;
    const example = paths.find((path) => folderOf(path) === folder)!;
    if (meant(folder) === meant(split ?? "train")) continue;
    if (folder === "") findings.leaveOut("image outside the splits", example, count);
    else findings.leaveOut(`image in ${folder}/`, example, count);
  }
  return { paths: kept, depth: below, training: training.length > 0 ? training : kept };
}
