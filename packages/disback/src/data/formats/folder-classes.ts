import { DisbackError } from "../../errors.js";
import { extensionOf } from "../images/kinds.js";
import { Labels } from "../labels.js";
import type { Findings } from "../left-out.js";
import type { SourceFiles } from "./source-files.js";
import type { SplitPaths } from "./splits.js";

/** EDM distributes images over numbered folders, which are not classes. */
const edmName = /(^|\/)\d{5}\/img\d{8}\.\w+$/;

/** Image formats that are not read. A folder of them would be a lost class. */
const unreadable = new Set(
  ".heic .heif .jxl .jp2 .j2k .svg .psd .dng .cr2 .cr3 .nef .arw .raw .tga .pcx .ico .exr .hdr .mp4 .mov .avi .webm".split(
    " ",
  ),
);

/** The folder that is an image's class: the first one below the split. */
const classOf = (path: string, depth: number): string => path.split("/").slice(0, -1)[depth + 1] ?? "";

/**
 * Classes by folders, as torchvision's ImageFolder: the first folder below the split, sorted by name; the same numbers
 * for every split. There are none if all images lie in one folder. An archive may hold everything in a folder of its own.
 * @param isArchive an archive may hold everything in one folder of its own
 * @throws DisbackError if only some images lie in folders, or a folder has lost all its images
 */
export function folderClasses(files: SourceFiles, split: SplitPaths, findings: Findings): Labels | undefined {
  const { paths, training } = split;
  if (paths.every((path) => edmName.test(path))) return undefined;
  const depth = files.kind !== "folder" ? belowWrapper(split, findings) : split.depth;
  const classes = [...new Set(training.map((path) => classOf(path, depth)))].sort();
  refuseLostClasses(files, classes, paths, depth);
  const outside = paths.find((path) => classOf(path, depth) === "");
  if (classes.length < 2) {
    if (classes[0] && !outside && paths === training)
      findings.note(oneFolder(files, classes[0], paths, depth));
    return undefined;
  }
  const number = new Map(classes.map((name, index) => [name, index]));
  const numbers = paths.map((path) => number.get(classOf(path, depth)));
  if (numbers.every((label) => label === undefined)) {
    findings.note(`the folders of this split are not the classes of the split "train": it has no labels`);
    return undefined;
  }
  if (outside)
    throw new DisbackError(
      `${files.where}: some images lie in folders that would be classes, but ${outside} does not: move it, or open the data without labels`,
    );
  const strange = numbers.indexOf(undefined);
  if (strange >= 0)
    throw new DisbackError(
      `${files.where}: the folder of ${paths[strange]} is no class of the split "train": move it, or open the data without labels`,
    );
  return Labels.fromClasses(numbers as number[], files.where, classes);
}

function oneFolder(files: SourceFiles, name: string, paths: string[], depth: number): string {
  const inside = new Set(paths.map((path) => classOf(path, depth + 1)));
  const advice = inside.size > 1 ? ` (if the folders in it are, give ${files.where}/${name})` : "";
  return `all images lie in one folder, ${name}: there are no classes${files.kind === "folder" ? advice : ""}`;
}

/** Archives often hold one folder, called as they are. */
function belowWrapper({ paths, depth }: SplitPaths, findings: Findings): number {
  if (depth >= 0) return depth;
  const [first] = paths;
  const wrapper = classOf(first!, depth);
  if (wrapper === "" || !paths.every((path) => classOf(path, depth) === wrapper)) return depth;
  if (new Set(paths.map((path) => classOf(path, depth + 1))).size < 2) return depth;
  findings.note(`all files lie in the folder ${wrapper}: the folders in it are the classes`);
  return depth + 1;
}

function refuseLostClasses(files: SourceFiles, classes: string[], images: string[], depth: number): void {
  if (classes.includes("")) return;
  const prefix = images[0]!
    .split("/")
    .slice(0, depth + 1)
    .map((name) => `${name}/`)
    .join("");
  const here = (path: string): boolean => path.startsWith(prefix) && path.split("/").length > depth + 2;
  const folders = new Map<string, string[]>();
  for (const path of files.paths.filter(here)) {
    const inside = folders.get(classOf(path, depth));
    if (inside) inside.push(path);
    else folders.set(classOf(path, depth), [path]);
  }
  for (const [name, inside] of folders) {
    const lost = inside.filter((path) => unreadable.has(extensionOf(path)));
    if (lost.length === 0 || images.some((path) => classOf(path, depth) === name)) continue;
    throw new DisbackError(
      `${files.where}: the class ${name} would be lost: none of its ${inside.length} files can be read (${files.nameOf(lost[0]!)}): convert them to PNG or JPEG, or remove the folder`,
    );
  }
  if (classes.length < 2) return;
  for (const folder of files.emptyFolders) {
    const name = classOf(`${folder}/file`, depth);
    if (!folder.startsWith(prefix) || name === "" || folders.has(name)) continue;
    throw new DisbackError(`${files.where}: the class folder ${folder} is empty: fill it, or remove it`);
  }
}
