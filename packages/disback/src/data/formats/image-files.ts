import { DisbackError } from "../../errors.js";
import { extensionOf, imageExtensions } from "../images/kinds.js";
import type { ImageListing } from "../images/listing.js";
import { Labels } from "../labels.js";
import type { Findings } from "../left-out.js";
import type { ResolvedOptions } from "../options.js";
import { folderClasses } from "./folder-classes.js";
import { isLabelFile, readLabelFiles } from "./label-files.js";
import { findSidecars, isSidecarName, oneImagePerSample, readSidecars } from "./sidecars.js";
import { imagePaths, type SourceFiles } from "./source-files.js";
import { type SplitPaths, selectSplit } from "./splits.js";
import { otherFormat } from "./unread.js";

/** Whether a file that is not an image may hold labels or captions of images. */
export const isAboutImages = (path: string): boolean => isLabelFile(path) || isSidecarName(path);

/**
 * Makes a listing of the images among some files, sorted by path. Labels are those of `dataset.json`, `metadata.jsonl`
 * or `metadata.csv`, else of files beside the images, else the folders they lie in (`folderClasses`).
 * @throws DisbackError if there are no images (saying what was found), or the labels do not match
 */
export async function listImages(
  files: SourceFiles,
  name: string,
  options: ResolvedOptions,
): Promise<ImageListing> {
  const { findings } = options;
  const all = await imagePaths(files);
  if (all.length === 0) throw new DisbackError(noImages(files, findings));
  const split = selectSplit(all, options.split, files.where, findings);
  const beside = findSidecars(files, split.paths);
  const chosen: SplitPaths = { ...split, paths: oneImagePerSample(files, split.paths, beside, findings) };
  if (split.training === split.paths) chosen.training = chosen.paths;
  const { paths } = chosen;
  const listed = await readLabelFiles(files, paths, all, options);
  const besideThem = await readSidecars(files, paths, beside, options);
  const values = listed.labels ?? besideThem.labels;
  let labels: Labels | undefined;
  if (values) labels = Labels.fromValues(values, files.where, (index) => paths[index]!);
  else if (options.labels && !listed.unlabelled) labels = folderClasses(files, chosen, findings);
  countOthers(files, all, new Set([...beside.values()].flatMap(Object.values)), findings);
  return {
    name,
    entries: paths.map((path) => ({ name: files.nameOf(path), read: () => files.read(path) })),
    labels,
    captions: listed.captions ?? besideThem.captions,
    close: files.close,
  };
}

/** Unused files by their endings. */
function countOthers(
  files: SourceFiles,
  images: readonly string[],
  used: ReadonlySet<string>,
  findings: Findings,
): void {
  const known = new Set(images);
  for (const path of files.paths)
    if (!known.has(path) && !used.has(path) && !isLabelFile(path))
      findings.leaveOut(extensionOf(path) || "file without an ending", path);
}

/** The error for a source without readable images. */
function noImages(files: SourceFiles, findings: Findings): string {
  const counts = new Map<string, number>();
  for (const path of files.paths) {
    const kind = extensionOf(path) || "without an ending";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const hidden = findings.leftOut.reduce((sum, { count }) => sum + count, 0);
  if (hidden > 0) counts.set("hidden", hidden);
  const found = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  const advice = files.paths.map(otherFormat).find((line) => line !== undefined);
  return `${files.where} holds no images (${found ? `found: ${found}` : "it is empty"}): ${
    advice ?? `give a folder or archive of image files (${imageExtensions})`
  }`;
}
