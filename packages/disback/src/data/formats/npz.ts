import { basename, dirname, join } from "node:path";
import { DisbackError } from "../../errors.js";
import { openImageArray } from "../images/arrays.js";
import { channelsLast } from "../images/layout.js";
import { Labels } from "../labels.js";
import type { Findings } from "../left-out.js";
import type { ResolvedOptions } from "../options.js";
import { Points } from "../points.js";
import type { SampleSource } from "../samples.js";
import { chooseArrays } from "./array-names.js";
import { isFile, readUnpacked } from "./bytes.js";
import { type NpyArray, parseNpy, parseNpyTexts } from "./npy.js";
import { openZip } from "./zip.js";

/**
 * Opens an `.npz`: images `[N, H, W, C]`, `[N, C, H, W]` or `[N, H, W]` or points `[N, D]`; labels `[N]` or `[N, 1]`
 * (classes) or `[N, K]` (one-hot or soft). Their names are the usual ones (`chooseArrays`), with splits as in Keras's
 * `x_train` and MedMNIST's `train_images`. Without labels, a file of labels beside it is looked for.
 */
export async function openNpz(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const archive = await openZip(path, options.limits.totalBytes);
  try {
    const names = [...archive.entries.keys()].map((entry) => entry.replace(/\.npy$/, ""));
    const bytesOf = (array: string): Promise<Uint8Array> => archive.entries.get(`${array}.npy`)!.read();
    const chosen = chooseArrays(names, path, options);
    const samples = parseNpy(await bytesOf(chosen.samples), `${path}:${chosen.samples}.npy`);
    const where = `${path}:${chosen.labels}.npy`;
    const labels =
      chosen.labels && options.labels ? parseLabels(await bytesOf(chosen.labels), where) : undefined;
    const beside = labels || !options.labels ? undefined : await labelsBeside(path, options);
    return openArrays(samples, labels ?? beside, path, name, options);
  } finally {
    archive.close();
  }
}

/** Opens an `.npy` of images or points, with the file of labels beside it. */
export async function openNpy(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const samples = parseNpy(await readUnpacked(path, options.limits.totalBytes), path);
  return openArrays(
    samples,
    options.labels ? await labelsBeside(path, options) : undefined,
    path,
    name,
    options,
  );
}

/** Labels as a file has them: an array of numbers or of names. */
type StoredLabels = NpyArray | readonly string[];

function parseLabels(bytes: Uint8Array, where: string): StoredLabels {
  return parseNpyTexts(bytes, where) ?? parseNpy(bytes, where);
}

/**
 * Labels in a file of their own: `train_labels.npy` beside `train_images.npy`, `y_train.npy` beside `x_train.npy`,
 * `kmnist-train-labels.npz` beside `kmnist-train-imgs.npz`.
 */
async function labelsBeside(path: string, options: ResolvedOptions): Promise<StoredLabels | undefined> {
  const base = basename(path);
  const renamed = base
    .replace(/images|imgs/, "labels")
    .replace(/^x(?=[_.])/, "y")
    .replace(/^X(?=[_.])/, "y");
  const file = join(dirname(path), renamed);
  if (renamed === base || !(await isFile(file))) return undefined;
  options.findings.note(`the labels are those of ${renamed} beside it`);
  const maximum = options.limits.totalBytes;
  if (!file.endsWith(".npz")) return parseLabels(await readUnpacked(file, maximum), file);
  const archive = await openZip(file, maximum);
  try {
    const [only, ...others] = archive.entries.values();
    if (!only || others.length > 0) throw new DisbackError(`${file} holds not one array of labels`);
    return parseLabels(await only.read(), file);
  } finally {
    archive.close();
  }
}

/** Makes a dataset of arrays as `openNpz` describes them. */
function openArrays(
  samples: NpyArray,
  labels: StoredLabels | undefined,
  path: string,
  name: string,
  options: ResolvedOptions,
): SampleSource {
  const count = samples.shape[0] ?? 0;
  const read = labels && toLabels(labels, count, path);
  if (samples.shape.length === 2) {
    if (options.resolution || options.channels)
      throw new DisbackError(`${path} holds points, not images: leave out resolution and channels`);
    return new Points(name, toPoints(samples, path), samples.shape[1]!, read);
  }
  const layout = layoutOf(samples.shape, path);
  const bytes = toBytes(samples.data, path, options.findings);
  const size = layout.width * layout.height * layout.channels;
  const image = (index: number): Uint8Array => {
    const stored = bytes.subarray(index * size, (index + 1) * size);
    return layout.channelsFirst ? channelsLast(stored, layout.channels) : stored;
  };
  return openImageArray({ name, path, count, ...layout, image, labels: read }, options);
}

interface Layout {
  width: number;
  height: number;
  channels: 1 | 3;
  channelsFirst: boolean;
}

/** The axis of size 1 or 3 holds the channels: the last one, unless only the other reading gives square images. */
function layoutOf(shape: number[], path: string): Layout {
  const [, a, b, c] = shape as [number, number, number, number | undefined];
  if (shape.length === 3) return { height: a, width: b, channels: 1, channelsFirst: false };
  const isChannels = (size: number): size is 1 | 3 => size === 1 || size === 3;
  if (shape.length === 4 && c !== undefined) {
    const last = isChannels(c);
    if (last && (a === b || !isChannels(a) || b !== c))
      return { height: a, width: b, channels: c, channelsFirst: false };
    if (isChannels(a)) return { height: b, width: c, channels: a, channelsFirst: true };
  }
  throw new DisbackError(
    `${path}: an array of ${shape.join(" x ")} is neither images (N x H x W x C or N x C x H x W, C 1 or 3) nor points (N x D)`,
  );
}

/** Least and greatest value. @throws DisbackError if one is not finite */
function rangeOf(data: NpyArray["data"], path: string): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < data.length; index++) {
    const value = data[index]!;
    if (!Number.isFinite(value))
      throw new DisbackError(`${path}: element ${index} of the samples is ${value}`);
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

/**
 * Pixels as bytes. Integers must be 0 to 255. Floats are read by their range: [-1, 1] if there is a negative one,
 * else [0, 1] if none is above 1, else [0, 255]; they are rounded to bytes as saving an image would. A range that looks
 * like another one's is said.
 */
function toBytes(data: NpyArray["data"], path: string, findings: Findings): Uint8Array {
  const [least, greatest] = rangeOf(data, path);
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const signed = isFloat && least < 0 && least >= -1 && greatest <= 1;
  const unit = isFloat && least >= 0 && greatest <= 1;
  if (!signed && !unit && (least < 0 || greatest > 255))
    throw new DisbackError(
      `${path}: pixels range from ${least} to ${greatest}: expected bytes, or floats in [0, 1], [-1, 1] or [0, 255]`,
    );
  if (!signed && !unit && greatest <= 16)
    findings.note(
      `the pixels range from ${least} to ${greatest} and are read as 0 to 255: nearly black; scale them if that is not meant`,
    );
  if (data instanceof Uint8Array) return data;
  const scale = signed ? 127.5 : unit ? 255 : 1;
  const shift = signed ? 127.5 : 0;
  return Uint8Array.from(data, (value) => Math.floor(value * scale + shift + 0.5));
}

function toPoints(samples: NpyArray, path: string): Float32Array {
  rangeOf(samples.data, path);
  return Float32Array.from(samples.data);
}

function toLabels(labels: StoredLabels, count: number, path: string): Labels {
  const shape = "shape" in labels ? labels.shape : [labels.length];
  const [rows, dim, ...rest] = shape;
  const isRow = rows === 1 && dim === count && count !== 1;
  if (rows !== count && !isRow)
    throw new DisbackError(`${path} holds ${rows ?? "no"} labels, but ${count} samples`);
  if (rest.length > 0)
    throw new DisbackError(
      `${path}: labels of shape ${shape.join(" x ")} are neither classes [N] nor rows [N, K]`,
    );
  if (!("shape" in labels)) return Labels.fromValues(labels, path);
  if (dim === undefined || isRow) return Labels.fromClasses(labels.data, path);
  if (dim === 0) throw new DisbackError(`${path}: labels of shape ${shape.join(" x ")} say nothing`);
  return Labels.fromRows(Float32Array.from(labels.data), dim, path);
}
