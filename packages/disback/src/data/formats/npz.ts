import { basename, dirname, join } from "node:path";
import { DisbackError } from "../../errors.js";
import { openImageArray } from "../images/arrays.js";
import { channelsLast } from "../images/layout.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import { Points } from "../points.js";
import type { SampleSource } from "../samples.js";
import { chooseArrays } from "./array-names.js";
import { layoutOf, rangeOf, toBytes } from "./array-pixels.js";
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
async function openArrays(
  samples: NpyArray,
  labels: StoredLabels | undefined,
  path: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const count = samples.shape[0] ?? 0;
  const read = labels && toLabels(labels, count, path);
  if (options.values || samples.shape.length === 2) {
    const what = options.values ? "values" : "points";
    if (options.resolution || options.channels)
      throw new DisbackError(`${path} holds ${what}, not images: leave out resolution and channels`);
    if (!options.values) noteImagesAsPoints(count, samples.shape[1]!, options);
    return new Points(name, toPoints(samples, path), samples.shape.slice(1), read);
  }
  const layout = layoutOf(samples.shape, path);
  const bytes = toBytes(samples, path, options.findings);
  const size = layout.width * layout.height * layout.channels;
  const image = (index: number): Uint8Array => {
    const stored = bytes.subarray(index * size, (index + 1) * size);
    return layout.channelsFirst ? channelsLast(stored, layout.channels) : stored;
  };
  return openImageArray({ name, path, count, ...layout, image, labels: read }, options);
}

/** Rows as long as images are may be images. */
function noteImagesAsPoints(count: number, dimension: number, { findings }: ResolvedOptions): void {
  const sides = [dimension, dimension / 3]
    .map(Math.sqrt)
    .filter((side) => Number.isInteger(side) && side >= 8);
  if (sides.length > 0)
    findings.note(
      `an array of ${count} x ${dimension} is read as points: if they are images of ${sides[0]} x ${sides[0]}, save it in that shape`,
    );
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
