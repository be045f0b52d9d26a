import { DisbackError } from "../../errors.js";
import { type ImageArray, openImageArray } from "../images/arrays.js";
import { channelsLast } from "../images/layout.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";

const side = 32;
const plane = side * side;
const pixels = 3 * plane;

/** Where each file of a CIFAR folder belongs: CIFAR-10's batches, CIFAR-100's two files. */
const batchName = /(^|\/)(data_batch_\d+|train|test_batch|test)\.bin$/;

/** Whether a file's name is one of CIFAR's binary version. */
export const isCifarName = (name: string): boolean => batchName.test(name);

/** "train" or "test", by the file's name. */
export const cifarSplit = (name: string): "train" | "test" =>
  /test(_batch)?\.bin$/.test(name) ? "test" : "train";

/** CIFAR-10 records start with one label byte, CIFAR-100's with a coarse and a fine one. */
function labelBytes(size: number): 1 | 2 | undefined {
  if (size > 0 && size % (pixels + 1) === 0) return 1;
  if (size > 0 && size % (pixels + 2) === 0) return 2;
  return undefined;
}

/** One batch file, unpacked. */
export interface CifarFile {
  name: string;
  bytes: Uint8Array;
}

/**
 * Opens CIFAR-10 or CIFAR-100 from the binary version's batches (32 x 32 colour; CIFAR-100 by its fine labels).
 * @param files the batches, joined in this order
 * @param classNames the names a `*.txt` beside them lists, one per line
 * @throws DisbackError naming a file that is not a whole number of records or whose labels are out of range
 */
export function openCifar(
  files: CifarFile[],
  name: string,
  classNames: string[] | undefined,
  options: ResolvedOptions,
): SampleSource {
  const classes: number[] = [];
  const images: Uint8Array[] = [];
  for (const file of files) {
    const labelled = labelBytes(file.bytes.length);
    if (!labelled)
      throw new DisbackError(
        `${file.name} has ${file.bytes.length} bytes, no whole number of CIFAR records (3073 or 3074 bytes each): it is damaged or cut short`,
      );
    const classCount = labelled === 1 ? 10 : 100;
    const record = pixels + labelled;
    for (let start = 0; start < file.bytes.length; start += record) {
      const label = file.bytes[start + labelled - 1]!;
      if (label >= classCount)
        throw new DisbackError(
          `${file.name}: label ${label} of record ${start / record} is not below ${classCount}`,
        );
      classes.push(label);
      images.push(file.bytes.subarray(start + labelled, start + record));
    }
  }
  const image = (index: number): Uint8Array => channelsLast(images[index]!, 3);
  const known = classNames && classes.every((label) => label < classNames.length) ? classNames : undefined;
  const labels = options.labels ? Labels.fromClasses(classes, name, known) : undefined;
  const array: ImageArray = {
    name,
    path: name,
    count: images.length,
    width: side,
    height: side,
    channels: 3,
    image,
    labels,
  };
  return openImageArray(array, options);
}

/** The class names in `batches.meta.txt` (CIFAR-10) or `fine_label_names.txt` (CIFAR-100). */
export function parseClassNames(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Whether a file's name is that of a list of class names. */
export const isClassNamesFile = (name: string): boolean =>
  /(^|\/)(batches\.meta|fine_label_names)\.txt$/.test(name);
