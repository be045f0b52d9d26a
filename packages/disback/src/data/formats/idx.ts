import { basename, dirname, join } from "node:path";
import { DisbackError } from "../../errors.js";
import { type ImageArray, openImageArray } from "../images/arrays.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { isFile, readUnpacked, readUnpackedHead } from "./bytes.js";

const splits = { train: "train", test: "t10k" } as const;

/** The split of an image file, by the names of the MNIST family; `undefined` for another name. */
export function idxSplit(path: string): "train" | "test" | undefined {
  const name = basename(path);
  if (name.startsWith("train-")) return "train";
  return name.startsWith("t10k-") ? "test" : undefined;
}

/** Whether bytes start like an IDX file of unsigned bytes (two zeros, type 8, number of dimensions). */
export const isIdx = (head: Uint8Array): boolean =>
  head.length >= 4 && head[0] === 0 && head[1] === 0 && head[2] === 8 && head[3]! >= 1 && head[3]! <= 4;

/** An IDX file's contents: LeCun's format of MNIST, big-endian sizes and then bytes. */
export interface IdxArray {
  shape: number[];
  data: Uint8Array;
}

/**
 * Parses an unpacked IDX file.
 * @throws DisbackError naming the file if it is none, or its length is not what its header says
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  if (!isIdx(bytes))
    throw new DisbackError(`${name} is not an IDX file of bytes (it starts with the wrong magic number)`);
  const dimensions = bytes[3]!;
  const header = 4 + 4 * dimensions;
  if (bytes.length < header) throw new DisbackError(`${name} is cut short inside its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: dimensions }, (_, dimension) => view.getUint32(4 + 4 * dimension));
  const expected = shape.reduce((product, size) => product * size, 1);
  const data = bytes.subarray(header);
  if (data.length !== expected)
    throw new DisbackError(
      `${name} holds ${data.length} bytes of data, but its header promises ${shape.join(" x ")}: it is damaged or cut short`,
    );
  return { shape, data };
}

/** Reads an IDX file; what its header promises bounds what is unpacked. */
async function readIdx(path: string, maximum: number): Promise<IdxArray> {
  const head = await readUnpackedHead(path, 20);
  const dimensions = isIdx(head) ? head[3]! : 0;
  if (head.length < 4 + 4 * dimensions) return parseIdx(head, path);
  const view = new DataView(head.buffer, head.byteOffset);
  let size = 1;
  for (let dimension = 0; dimension < dimensions; dimension++) size *= view.getUint32(4 + 4 * dimension);
  if (size > maximum)
    throw new DisbackError(`${path} promises ${size} bytes of data, more than ${maximum}: refused`);
  return parseIdx(await readUnpacked(path, 4 + 4 * dimensions + size), path);
}

/** The file beside an image file that holds its labels, by the names MNIST and its successors use. */
async function labelFile(path: string): Promise<string | undefined> {
  const name = basename(path);
  const renamed = name.replace("images", "labels").replace("idx3", "idx1");
  if (renamed === name) return undefined;
  const other = renamed.endsWith(".gz") ? renamed.slice(0, -3) : `${renamed}.gz`;
  for (const candidate of [renamed, other]) {
    const file = join(dirname(path), candidate);
    if (await isFile(file)) return file;
  }
  throw new DisbackError(
    `${path}: its labels ${renamed} are not beside it: add them, or open it without labels`,
  );
}

async function readLabels(path: string, count: number, maximum: number): Promise<Labels | undefined> {
  const file = await labelFile(path);
  if (!file) return undefined;
  const { shape, data } = await readIdx(file, maximum);
  if (shape.length !== 1)
    throw new DisbackError(`${file} holds an array of ${shape.join(" x ")}, not labels`);
  if (data.length !== count)
    throw new DisbackError(`${file} holds ${data.length} labels, but ${path} holds ${count} images`);
  return Labels.fromClasses(data, file);
}

/** Opens an IDX file of grey images `[N, H, W]`, with the label file beside it unless labels are not wanted. */
export async function openIdx(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const maximum = options.limits.totalBytes;
  const { shape, data } = await readIdx(path, maximum);
  if (shape.length === 1) throw new DisbackError(`${path} holds labels: give the file of images beside it`);
  if (shape.length !== 3)
    throw new DisbackError(`${path} holds an array of ${shape.join(" x ")}, not N x H x W images`);
  const [count, height, width] = shape as [number, number, number];
  const labels = options.labels ? await readLabels(path, count, maximum) : undefined;
  const image = (index: number): Uint8Array =>
    data.subarray(index * height * width, (index + 1) * height * width);
  const array: ImageArray = { name, path, count, width, height, channels: 1, image, labels };
  return openImageArray(array, options);
}

/**
 * The image file of the MNIST family in a folder for a split, or `undefined` if the folder is no such folder.
 * @throws DisbackError if it holds the other split only, or the split is neither "train" nor "test"
 */
export async function findIdx(folder: string, split: string | undefined): Promise<string | undefined> {
  const found: Partial<Record<string, string>> = {};
  for (const [name, prefix] of Object.entries(splits))
    for (const ending of ["-images-idx3-ubyte.gz", "-images-idx3-ubyte"]) {
      const file = join(folder, prefix + ending);
      if (!found[name] && (await isFile(file))) found[name] = file;
    }
  if (!found["train"] && !found["test"]) return undefined;
  const wanted = split ?? "train";
  if (!found[wanted])
    throw new DisbackError(`${folder} has no split "${wanted}" (found: ${Object.keys(found).join(", ")})`);
  return found[wanted];
}
