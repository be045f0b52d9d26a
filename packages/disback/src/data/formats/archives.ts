import { DisbackError } from "../../errors.js";
import { extensionOf, isImageName } from "../images/kinds.js";
import { openImages } from "../images/open.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { isCifarName, isClassNamesFile, openCifarFiles } from "./cifar.js";
import { hiddenPart } from "./hidden.js";
import { isAboutImages, listImages } from "./image-files.js";
import { openNpz } from "./npz.js";
import { type SourceFiles, visiblePaths } from "./source-files.js";
import { readTar } from "./tar.js";
import { openZip } from "./zip.js";

/** Opens a zip file: an `.npz` (only arrays in it), else images as EDM packs them. */
export async function openZipFile(
  path: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const { entries, close } = await openZip(path, options.limits.entryBytes);
  const names = [...entries.keys()];
  if (names.length > 0 && names.every((entry) => entry.endsWith(".npy"))) {
    close();
    return openNpz(path, name, options);
  }
  try {
    const read = (entry: string): Promise<Uint8Array> => entries.get(entry)!.read();
    const files: SourceFiles = {
      kind: "zip",
      where: path,
      paths: visiblePaths(names, options.findings),
      emptyFolders: [],
      nameOf: (entry) => `${path}:${entry}`,
      read,
      head: read,
      close,
    };
    return await openImages(await listImages(files, name, options), options);
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens a tar or tar.gz: CIFAR's batches, else images, as WebDataset or any other way. */
export async function openTar(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const files = await filesOfTar(path, options);
  if (files.paths.some(isCifarName)) return openCifarFiles(files, name, options);
  return openImages(await listImages(files, name, options), options);
}

/** Possible parts of a data set are kept in memory; other files are only listed. */
const isWanted = (entry: string): boolean =>
  isImageName(entry) ||
  isAboutImages(entry) ||
  isCifarName(entry) ||
  isClassNamesFile(entry) ||
  extensionOf(entry) === "";

/** The files of a tar or tar.gz. */
export async function filesOfTar(path: string, options: ResolvedOptions): Promise<SourceFiles> {
  const all = new Set<string>();
  const contents = await readTar(
    path,
    (entry) => {
      all.add(entry);
      return isWanted(entry) && !hiddenPart(entry);
    },
    options,
  );
  const read = async (entry: string): Promise<Uint8Array> => {
    const bytes = contents.get(entry);
    if (!bytes) throw new DisbackError(`${path}:${entry} is not read`);
    return bytes;
  };
  return {
    kind: "tar",
    where: path,
    paths: visiblePaths(all, options.findings),
    emptyFolders: [],
    nameOf: (entry) => `${path}:${entry}`,
    read,
    head: read,
    close: () => {},
  };
}
