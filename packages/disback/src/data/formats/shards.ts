import { basename } from "node:path";
import { DisbackError } from "../../errors.js";
import { extensionOf } from "../images/kinds.js";
import type { ResolvedOptions } from "../options.js";
import { filesOfTar } from "./archives.js";
import type { SourceFiles } from "./source-files.js";
import { splitOf } from "./splits.js";

/** "train" of `train-00000-of-00001.parquet`, `imagenet-train-0001.tar` or `train/0001.tar`; undefined without one. */
const shardSplit = (path: string): string | undefined =>
  path
    .split(/[/_.-]/)
    .map(splitOf)
    .find((word) => word !== undefined);

/**
 * The shards of one split, by their names. Other shards and other files are counted. Without splits in the names, all
 * shards are one set.
 * @param shards some of the folder's files
 * @throws DisbackError if the split asked for is not there
 */
export function selectShards(
  folder: SourceFiles,
  shards: readonly string[],
  { split, findings }: ResolvedOptions,
): string[] {
  const found = [...new Set(shards.map(shardSplit))];
  const wanted = split ? (splitOf(split) ?? split) : found.includes("train") ? "train" : undefined;
  if (split && !found.includes(wanted))
    throw new DisbackError(
      `${folder.where} has no split "${split}" (found: ${found.filter((name) => name !== undefined).join(", ") || "none"})`,
    );
  if (!wanted && found.length > 1)
    findings.note(
      `there is no split "train": ${found.map((name) => name ?? "others").join(", ")} are read together`,
    );
  for (const path of folder.paths)
    if (!shards.includes(path)) findings.leaveOut(extensionOf(path) || "file without an ending", path);
    else if (wanted && shardSplit(path) !== wanted) findings.leaveOut("file of other splits", path);
  return wanted ? shards.filter((path) => shardSplit(path) === wanted) : [...shards];
}

/**
 * Joins the files of many tars, as WebDataset distributes its samples over shards. Each file keeps its folder; its name
 * is prefixed with the shard's.
 */
export async function filesOfShards(
  folder: SourceFiles,
  tars: readonly string[],
  options: ResolvedOptions,
): Promise<SourceFiles> {
  const places = new Map<string, { shard: SourceFiles; path: string }>();
  for (const tar of selectShards(folder, tars, options)) {
    const shard = await filesOfTar(folder.nameOf(tar), options);
    for (const path of shard.paths) {
      const base = basename(path);
      places.set(`${path.slice(0, -base.length)}${tar.replace(/\W/g, "_")}_${base}`, { shard, path });
    }
  }
  const at = (path: string): { shard: SourceFiles; path: string } => places.get(path)!;
  return {
    kind: "tar",
    where: folder.where,
    paths: [...places.keys()].sort(),
    emptyFolders: [],
    nameOf: (path) => at(path).shard.nameOf(at(path).path),
    read: (path) => at(path).shard.read(at(path).path),
    head: (path) => at(path).shard.head(at(path).path),
    close: () => {},
  };
}
