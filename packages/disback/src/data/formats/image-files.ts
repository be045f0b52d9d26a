import { DisbackError } from "../../errors.js";
import { isImageName } from "../images/decode.js";
import type { ImageEntry, ImageListing } from "../images/listing.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import { parseDatasetJson } from "./dataset-json.js";
import { type SplitPaths, selectSplit } from "./splits.js";

/** Files of a folder or archive: path with forward slashes to a reader of its bytes. */
export type Files = Map<string, () => Promise<Uint8Array>>;

/** EDM spreads images over numbered folders, which are no classes. */
const edmName = /(^|\/)\d{5}\/img\d{8}\.\w+$/;

/** Whether a folder's or archive's file matters when it holds images. */
export const isImageFile = (name: string): boolean => isImageName(name) || name === "dataset.json";

function folderLabels({ paths, depth }: SplitPaths, all: string[], where: string): Labels | undefined {
  if (all.every((path) => edmName.test(path))) return undefined;
  const parent = (path: string): string =>
    path
      .split("/")
      .slice(depth + 1)
      .at(-2) ?? "";
  const names = [...new Set(all.map(parent))].sort();
  if (names.length < 2) return undefined;
  if (names[0] === "")
    throw new DisbackError(
      `${where}: some images lie in folders that would be classes, but ${all.find((path) => parent(path) === "")} does not: move it, or open the data without labels`,
    );
  const number = new Map(names.map((name, index) => [name, index]));
  return Labels.fromClasses(
    paths.map((path) => number.get(parent(path))!),
    where,
    names,
  );
}

/**
 * Makes a listing of the images among some files, sorted by path. Labels are those of `dataset.json` where there is
 * one, else the names of the folders the images lie in (sorted; the same numbers for every split), if there are at
 * least two.
 * @param where path of the folder or archive
 * @param close lets go of the archive
 */
export async function listImages(
  files: Files,
  name: string,
  where: string,
  separator: "/" | ":",
  options: ResolvedOptions,
  close: () => void = () => {},
): Promise<ImageListing> {
  const all = [...files.keys()].filter(isImageName).sort();
  if (all.length === 0)
    throw new DisbackError(`${where} holds no images: give a folder or archive of image files`);
  const split = selectSplit(all, options.split, where);
  const { paths } = split;
  const json = files.get("dataset.json");
  let labels: Labels | undefined;
  if (options.labels && json) {
    const text = Buffer.from(await json()).toString("utf8");
    labels = parseDatasetJson(text, paths, all.length, `${where}${separator}dataset.json`);
  } else if (options.labels) labels = folderLabels(split, all, where);
  const entry = (path: string): ImageEntry => ({
    name: `${where}${separator}${path}`,
    read: files.get(path)!,
  });
  return { name, entries: paths.map(entry), labels, close };
}
