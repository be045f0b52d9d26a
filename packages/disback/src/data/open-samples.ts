import { basename } from "node:path";
import { DisbackError } from "../errors.js";
import { emptyClasses } from "./empty-classes.js";
import { openTar, openZipFile } from "./formats/archives.js";
import { readUnpacked } from "./formats/bytes.js";
import { cifarSplit, openCifarFile } from "./formats/cifar.js";
import { openClips } from "./formats/clips.js";
import { type DatasetFormat, detectFormat } from "./formats/detect.js";
import { openFolder } from "./formats/folder.js";
import { idxSplit, openIdx } from "./formats/idx.js";
import { openNpy } from "./formats/npz.js";
import { openParquetFiles } from "./formats/parquet.js";
import { openText } from "./formats/text.js";
import { describeLeftOut } from "./left-out.js";
import { type OpenOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import type { SampleSource } from "./samples.js";
import { DigitClips } from "./toys/digit-clips.js";
import { parseToy, readToy } from "./toys/parse.js";
import { drawToy } from "./toys/points.js";

/** A single file of one split must not be used as another split. */
function checkSplit(source: string, found: string | undefined, wanted: string | undefined): void {
  if (!wanted || wanted === found) return;
  const what = found ? `is the split "${found}": give the folder it lies in to choose one` : "has no splits";
  throw new DisbackError(`${source} ${what} (asked for "${wanted}")`);
}

function datasetName(source: string, { split, resolution }: ResolvedOptions): string {
  const base = basename(source).replace(/\.(tar|tgz|zip|npz|npy|bin|parquet|txt)$|(\.tar)?\.gz$/i, "");
  return `${base}${split ? ` (${split})` : ""}${resolution ? ` at ${resolution}x${resolution}` : ""}`;
}

function openToy(source: string, options: ResolvedOptions): SampleSource {
  const { split, labels, resolution, channels, frames } = options;
  const { kind, values } = readToy(source);
  if (kind === "moving-digits") {
    const clips = new DigitClips(source, values, split, labels);
    clips.requireForm({ resolution, channels, frames });
    return clips;
  }
  if (resolution || channels)
    throw new DisbackError(`${source} gives points, not images: leave out resolution and channels`);
  if (frames) throw new DisbackError(`${source} gives points, not clips`);
  return drawToy(parseToy(source), source, split, labels);
}

async function open(source: string, format: DatasetFormat, name: string, options: ResolvedOptions) {
  const { frames } = options;
  if (frames !== undefined && format !== "toy") {
    if (format === "folder") return openClips(source, name, { ...options, frames });
    throw new DisbackError(`${source}: clips are read of a folder of animated GIFs or WebPs only`);
  }
  switch (format) {
    case "toy":
      return openToy(source, options);
    case "folder":
      return openFolder(source, name, options);
    case "tar":
      return openTar(source, name, options);
    case "zip":
      return openZipFile(source, name, options);
    case "idx":
      checkSplit(source, idxSplit(source), options.split);
      return openIdx(source, name, options);
    case "cifar":
      checkSplit(source, cifarSplit(source), options.split);
      return openCifarFile(source, await readUnpacked(source, options.limits.totalBytes), name, options);
    case "npy":
      checkSplit(source, undefined, options.split);
      return openNpy(source, name, options);
    case "text":
      checkSplit(source, undefined, options.split);
      return openText(source, name, options.text);
    case "parquet":
      checkSplit(source, undefined, options.split);
      return openParquetFiles([source], source, name, options);
  }
}

/** Attaches the findings of opening to the source, and reports warnings. */
function withFindings(source: SampleSource, { findings, onWarning }: ResolvedOptions): SampleSource {
  const empty = emptyClasses(source);
  if (empty) findings.note(empty);
  const { leftOut, notes, captions } = findings;
  for (const line of [describeLeftOut({ leftOut }), ...notes]) if (line) onWarning?.(line);
  return Object.assign(source, { leftOut, notes, captions });
}

/**
 * Opens a dataset as plain arrays; `openDataset` is the same with tensors.
 * @throws DisbackError with one line naming the file and what to do; see `openDataset`
 */
export async function openSamples(source: string, options: OpenOptions = {}): Promise<SampleSource> {
  const resolved = resolveOptions(options);
  const format = await detectFormat(source);
  const name = format === "toy" ? source : datasetName(source, resolved);
  try {
    return withFindings(await open(source, format, name, resolved), resolved);
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (error instanceof DisbackError || !code) throw error;
    throw new DisbackError(`${path ?? source} cannot be read (${message.split("\n")[0]})`);
  }
}
