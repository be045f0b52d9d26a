import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { openImages } from "../images/open.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import {
  type CifarFile,
  cifarSplit,
  isCifarName,
  isClassNamesFile,
  openCifar,
  parseClassNames,
} from "./cifar.js";
import { findIdx, openIdx } from "./idx.js";
import { type Files, isImageFile, listImages } from "./image-files.js";

/** All wanted files below a folder, by relative path. Links are followed, each folder once, so that loops end. */
async function walk(root: string, wanted: (path: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    const real = await realpath(join(root, folder));
    if (seen.has(real)) return;
    seen.add(real);
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      const kind = entry.isSymbolicLink() ? await stat(join(root, path)) : entry;
      if (kind.isDirectory()) await visit(path);
      else if (kind.isFile() && wanted(path)) found.push(path);
    }
  };
  await visit("");
  return found;
}

/** Opens a folder: the MNIST family's files, CIFAR's batches, or images. */
export async function openFolder(
  path: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const idx = await findIdx(path, options.split);
  if (idx) return openIdx(idx, name, options);
  const cifar = (await readdir(path)).filter(isCifarName);
  if (cifar.length > 0) return openCifarFolder(path, name, options);
  const files: Files = new Map();
  for (const file of await walk(path, isImageFile)) files.set(file, () => readFile(join(path, file)));
  return openImages(await listImages(files, name, path, "/", options), options);
}

async function openCifarFolder(
  folder: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const all = (await readdir(folder)).sort();
  const wanted = options.split ?? "train";
  const batches = all.filter((file) => isCifarName(file) && cifarSplit(file) === wanted);
  if (batches.length === 0) throw new DisbackError(`${folder} has no CIFAR batches of split "${wanted}"`);
  const files: CifarFile[] = [];
  for (const batch of batches)
    files.push({ name: join(folder, batch), bytes: await readFile(join(folder, batch)) });
  const list = all.find(isClassNamesFile);
  const classNames = list && parseClassNames(await readFile(join(folder, list), "utf8"));
  return openCifar(files, name, classNames || undefined, options);
}
