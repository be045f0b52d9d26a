import { basename } from "node:path";
import { DisbackError } from "../../errors.js";
import { openImages } from "../images/open.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { cifarBatches, openCifarFiles } from "./cifar.js";
import { findIdx, openIdx } from "./idx.js";
import { listImages } from "./image-files.js";
import { openParquet } from "./parquet.js";
import { filesOfShards } from "./shards.js";
import { filesOfFolder, imagePaths } from "./source-files.js";

const folderOf = (path: string): string => path.slice(0, -basename(path).length);

/** Opens a folder: the MNIST family's files, CIFAR's batches, images, or shards of WebDataset or Parquet. */
export async function openFolder(
  path: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const files = await filesOfFolder(path, options.findings);
  const idx = findIdx(files, options);
  if (idx) return openIdx(idx, name, options);
  const batches = cifarBatches(files.paths);
  const folders = [...new Set(batches.map(folderOf))];
  if (folders.length > 1)
    throw new DisbackError(
      `${path} holds ${folders.length} sets of CIFAR's files (${folders.join(", ")}): give one`,
    );
  if (folders.length === 1) return openCifarFiles(files, name, options);
  if ((await imagePaths(files)).length === 0) {
    const parquet = files.paths.filter((file) => file.endsWith(".parquet"));
    if (parquet.length > 0) return openParquet(files, parquet, name, options);
    const tars = files.paths.filter((file) => /\.(tar|tar\.gz|tgz)$/i.test(file));
    if (tars.length > 0) {
      const shards = await filesOfShards(files, tars, options);
      return openImages(await listImages(shards, name, { ...options, split: undefined }), options);
    }
  }
  return openImages(await listImages(files, name, options), options);
}
