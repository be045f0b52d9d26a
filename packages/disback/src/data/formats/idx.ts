import { basename, dirname, join } from "node:path";
import { DisbackError } from "../../errors.js";
import { type ImageArray, openImageArray } from "../images/arrays.js";
import { extensionOf } from "../images/kinds.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { isFile, readUnpacked, readUnpackedHead } from "./bytes.js";
import { emnistSet, idxClassNames } from "./class-names.js";
import type { SourceFiles } from "./source-files.js";

/** An image file of the MNIST family: its set ("" for MNIST, "emnist-letters-"), its split. Kaggle writes a dot. */
const imageName = /^(.*?)(train|t10k|test)-images[.-]idx3-ubyte(\.gz)?$/;

/** The split of an image file of the MNIST family, by its name; `undefined` for other names. */
export function idxSplit(path: string): "train" | "test" | undefined {
  const name = /(train|t10k|test)-images/.exec(basename(path))?.[1];
  return name === undefined ? undefined : name === "train" ? "train" : "test";
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
  const renamed = name.replace("images", "labels").replace("idx3", "idx1").replace(/\.gz$/, "");
  if (!name.includes("images")) return undefined;
  const other = renamed.replace(/([.-])idx1/, (_, sign) => (sign === "." ? "-idx1" : ".idx1"));
  for (const candidate of [renamed, `${renamed}.gz`, other, `${other}.gz`]) {
    const file = join(dirname(path), candidate);
    if (await isFile(file)) return file;
  }
  throw new DisbackError(
    `${path}: its labels ${renamed} are not beside it: add them, or open it without labels`,
  );
}

async function readLabels(
  path: string,
  count: number,
  { limits, findings }: ResolvedOptions,
): Promise<Labels | undefined> {
  const file = await labelFile(path);
  if (!file) {
    findings.note(`${basename(path)} is not a name of the MNIST family, so no file of labels was searched`);
    return undefined;
  }
  const { shape, data } = await readIdx(file, limits.totalBytes);
  if (shape.length !== 1)
    throw new DisbackError(`${file} holds an array of ${shape.join(" x ")}, not labels`);
  if (data.length !== count)
    throw new DisbackError(`${file} holds ${data.length} labels, but ${path} holds ${count} images`);
  const names = idxClassNames(path, data);
  const fromOne = emnistSet(path) === "letters" && data.every((label) => label >= 1);
  if (fromOne) findings.note("the labels of EMNIST letters count from 1: class 0 is A");
  const classes = fromOne ? data.map((label) => label - 1) : data;
  return Labels.fromClasses(classes, file, names);
}

/** Opens an IDX file of grey images `[N, H, W]`, with the label file beside it unless labels are not wanted. */
export async function openIdx(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const maximum = options.limits.totalBytes;
  const { shape, data } = await readIdx(path, maximum);
  if (shape.length === 1) throw new DisbackError(`${path} holds labels: give the file of images beside it`);
  if (shape.length !== 3)
    throw new DisbackError(`${path} holds an array of ${shape.join(" x ")}, not N x H x W images`);
  const [count, height, width] = shape as [number, number, number];
  const labels = options.labels ? await readLabels(path, count, options) : undefined;
  if (emnistSet(path))
    options.findings.note(
      "EMNIST stores its images with rows and columns exchanged: they are read as stored",
    );
  const image = (index: number): Uint8Array =>
    data.subarray(index * height * width, (index + 1) * height * width);
  const array: ImageArray = { name, path, count, width, height, channels: 1, image, labels, padded: true };
  return openImageArray(array, options);
}

/**
 * The image file of the MNIST family among a folder's files for a split, or `undefined` if there is none.
 * @throws DisbackError if there are several sets, or not the split asked for
 */
export function findIdx(files: SourceFiles, { split, findings }: ResolvedOptions): string | undefined {
  const sets = new Map<string, Map<string, string>>();
  for (const path of files.paths) {
    const match = imageName.exec(basename(path));
    if (!match) continue;
    const set = join(dirname(path), match[1]!);
    if (!sets.has(set)) sets.set(set, new Map());
    const found = sets.get(set)!;
    const part = idxSplit(path)!;
    if (!found.has(part)) found.set(part, path);
  }
  if (sets.size === 0) return undefined;
  if (sets.size > 1)
    throw new DisbackError(
      `${files.where} holds ${sets.size} sets (${[...sets.values()].map((set) => [...set.values()][0]).join(", ")}): give the file of images of one`,
    );
  const [found] = sets.values();
  const wanted = split ?? "train";
  const chosen = found!.get(wanted);
  if (!chosen)
    throw new DisbackError(
      `${files.where} has no split "${wanted}" (found: ${[...found!.keys()].sort().reverse().join(", ")})`,
    );
  for (const path of files.paths)
    if (!/(images|labels)[.-]idx[13]-ubyte(\.gz)?$/.test(path))
      findings.leaveOut(extensionOf(path) || "file without an ending", path);
  return join(files.where, chosen);
}
