import { DisbackError } from "../../errors.js";
import { openImageArray } from "../images/arrays.js";
import { extensionOf } from "../images/kinds.js";
import { channelsLast } from "../images/layout.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { type CifarBatch, parsePythonBatch, parsePythonNames } from "./cifar-python.js";
import { cifar10Names } from "./class-names.js";
import type { SourceFiles } from "./source-files.js";
import { splitOf } from "./splits.js";

const side = 32;
const pixels = 3 * side * side;

const binary = /(^|\/)(data_batch_\d+|train|test_batch|test)\.bin$/;
/** CIFAR's pickles, and those of the small ImageNet that follow them. */
const pickled = /(^|\/)(data_batch_\d+|test_batch|train_data(_batch_\d+)?|val_data)$/;
/** Other data sets use the file names of CIFAR-100's pickles too, but not its folder name. */
const pickled100 = /(^|\/)(cifar-100-python\/)?(train|test|meta)$/;

/** Whether a file's name is one of CIFAR's batches, of the binary or the Python version. */
export const isCifarName = (name: string): boolean =>
  binary.test(name) || pickled.test(name) || /(^|\/)cifar-100-python\/(train|test)$/.test(name);

/** "train", "test" or "val", by a batch file's name. */
export function cifarSplit(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  return splitOf(base.split(/[_.]/)[0]!) ?? "train";
}

/** Whether a file is a list of class names, by its name. */
export const isClassNamesFile = (name: string): boolean =>
  /(^|\/)(batches\.meta(\.txt)?|fine_label_names\.txt|meta)$/.test(name);

/** The batches among a folder's files; CIFAR-100's pickles show by the `meta` beside them. */
export function cifarBatches(paths: readonly string[]): string[] {
  const hundred = paths.filter((path) => pickled100.test(path));
  const isHundred = hundred.some((path) => path.endsWith("meta")) && hundred.length > 1;
  return paths.filter(
    (path) => isCifarName(path) || (isHundred && hundred.includes(path) && !path.endsWith("meta")),
  );
}

/** CIFAR-10 records start with one label byte, CIFAR-100's with a coarse and a fine one. */
function parseBinaryBatch(bytes: Uint8Array, name: string): CifarBatch {
  const size = bytes.length;
  const labelled = size > 0 && size % (pixels + 1) === 0 ? 1 : size > 0 && size % (pixels + 2) === 0 ? 2 : 0;
  if (labelled === 0)
    throw new DisbackError(
      `${name} has ${size} bytes, which is not a whole number of CIFAR records (3073 or 3074 bytes each): it is damaged or cut short`,
    );
  const record = pixels + labelled;
  const starts = Array.from({ length: size / record }, (_, index) => index * record);
  return {
    side,
    labels: starts.map((start) => bytes[start + labelled - 1]!),
    images: starts.map((start) => bytes.subarray(start + labelled, start + record)),
    classCount: labelled === 1 ? 10 : 100,
  };
}

/** Opens one batch file. */
export async function openCifarFile(
  path: string,
  bytes: Uint8Array,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const parse = binary.test(path.replace(/\.gz$/, "")) ? parseBinaryBatch : parsePythonBatch;
  return openBatches([parse(bytes, path)], path, name, undefined, options);
}

/**
 * Opens the batches of CIFAR-10 or CIFAR-100 among some files, of the binary or the Python version (whose pickles are
 * read without running anything in them), and the small ImageNet's (`train_data_batch_1`, …). Colour images; CIFAR-100
 * by its fine labels.
 * @throws DisbackError naming a file that is damaged or whose labels are out of range
 */
export async function openCifarFiles(
  files: SourceFiles,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const all = cifarBatches(files.paths);
  const split = options.split ?? "train";
  const chosen = all.filter((path) => cifarSplit(path) === (splitOf(split) ?? split));
  if (chosen.length === 0) throw new DisbackError(`${files.where} has no CIFAR batches of split "${split}"`);
  const both = [chosen.filter((path) => binary.test(path)), chosen.filter((path) => !binary.test(path))];
  const wanted = both[0]!.length > 0 ? both[0]! : both[1]!;
  const batches: CifarBatch[] = [];
  for (const path of wanted) {
    const parse = binary.test(path) ? parseBinaryBatch : parsePythonBatch;
    batches.push(parse(await files.read(path), files.nameOf(path)));
  }
  const list = files.paths.find(isClassNamesFile);
  const classNames = list ? parseClassNames(await files.read(list), list, files.nameOf(list)) : undefined;
  const used = new Set([...all, ...files.paths.filter(isClassNamesFile)]);
  for (const path of files.paths)
    if (!used.has(path)) options.findings.leaveOut(extensionOf(path) || "file without an ending", path);
  for (const path of chosen)
    if (!wanted.includes(path)) options.findings.leaveOut("batch file stored twice", path);
  return openBatches(batches, files.where, name, classNames, options);
}

function parseClassNames(bytes: Uint8Array, path: string, name: string): string[] {
  if (!path.endsWith(".txt")) return parsePythonNames(bytes, name);
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

async function openBatches(
  batches: CifarBatch[],
  path: string,
  name: string,
  classNames: readonly string[] | undefined,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const classes = batches.flatMap((batch) => batch.labels ?? []);
  const images = batches.flatMap((batch) => batch.images);
  const classCount = Math.max(...batches.map((batch) => batch.classCount ?? 0));
  const wrong = classes.findIndex((label) => classCount > 0 && label >= classCount);
  if (wrong >= 0)
    throw new DisbackError(`${path}: label ${classes[wrong]} of record ${wrong} is not below ${classCount}`);
  for (const line of new Set(batches.flatMap((batch) => batch.notes ?? []))) options.findings.note(line);
  if (classCount === 100)
    options.findings.note("the labels are CIFAR-100's 100 fine ones; its 20 coarse ones are not used");
  const known = classNames ?? (classCount === 10 ? cifar10Names : undefined);
  const fits = known && classes.every((label) => label < known.length) ? known : undefined;
  if (options.labels && classes.length !== images.length)
    throw new DisbackError(`${path} holds ${classes.length} labels, but ${images.length} images`);
  const width = batches[0]!.side;
  if (batches.some((batch) => batch.side !== width))
    throw new DisbackError(`${path}: its batches hold images of different sizes`);
  return openImageArray(
    {
      name,
      path,
      count: images.length,
      width,
      height: width,
      channels: 3,
      image: (index) => channelsLast(images[index]!, 3),
      labels: options.labels ? Labels.fromClasses(classes, path, fits) : undefined,
    },
    options,
  );
}
