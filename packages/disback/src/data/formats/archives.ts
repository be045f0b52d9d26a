import { DisbackError } from "../../errors.js";
import { openImages } from "../images/open.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { cifarSplit, isCifarName, isClassNamesFile, openCifar, parseClassNames } from "./cifar.js";
import { type Files, isImageFile, listImages } from "./image-files.js";
import { openNpz } from "./npz.js";
import { readTar } from "./tar.js";
import { openZip } from "./zip.js";

/** Opens a zip file: an `.npz` (only arrays in it), else images as EDM packs them. */
export async function openZipFile(
  path: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const listed = await openZip(path, options.limits.entryBytes);
  const names = [...listed.entries.keys()];
  if (names.length > 0 && names.every((entry) => entry.endsWith(".npy"))) {
    listed.close();
    return openNpz(path, name, options);
  }
  try {
    const files: Files = new Map();
    for (const [entry, { read }] of listed.entries) if (isImageFile(entry)) files.set(entry, read);
    return await openImages(await listImages(files, name, path, ":", options, listed.close), options);
  } catch (error) {
    listed.close();
    throw error;
  }
}

/** Opens a tar or tar.gz: CIFAR's binary version, else images. */
export async function openTar(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const isPickle = (entry: string): boolean => /(^|\/)(data_batch_1|cifar-100-python\/train)$/.test(entry);
  const wanted = (entry: string): boolean =>
    isImageFile(entry) || isCifarName(entry) || isClassNamesFile(entry) || isPickle(entry);
  const contents = await readTar(path, wanted, options.limits);
  const names = [...contents.keys()].sort();
  if (names.some(isPickle))
    throw new DisbackError(`${path} is CIFAR's Python version (pickles): give the binary version instead`);
  if (names.some(isCifarName)) {
    const split = options.split ?? "train";
    const batches = names.filter((entry) => isCifarName(entry) && cifarSplit(entry) === split);
    if (batches.length === 0) throw new DisbackError(`${path} has no CIFAR batches of split "${split}"`);
    const files = batches.map((entry) => ({ name: `${path}:${entry}`, bytes: contents.get(entry)! }));
    const list = names.find(isClassNamesFile);
    const classNames = list && parseClassNames(Buffer.from(contents.get(list)!).toString("utf8"));
    return openCifar(files, name, classNames || undefined, options);
  }
  const files: Files = new Map();
  for (const [entry, bytes] of contents) files.set(entry, async () => bytes);
  return openImages(await listImages(files, name, path, ":", options), options);
}
