import { DisbackError } from "../../errors.js";
import { openImageArray } from "../images/arrays.js";
import { channelsLast } from "../images/layout.js";
import { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import { Points } from "../points.js";
import type { SampleSource } from "../samples.js";
import { type NpyArray, parseNpy } from "./npy.js";
import { openZip } from "./zip.js";

const sampleNames = ["images", "samples", "arr_0", "x"];
const labelNames = ["labels", "arr_1", "y"];

/**
 * Opens an `.npz`: images `[N, H, W, C]`, `[N, C, H, W]` or `[N, H, W]` or points `[N, D]` under `images`, `samples`,
 * `arr_0` or `x`; labels `[N]` (classes) or `[N, K]` (rows) under `labels`, `arr_1` or `y`.
 */
export async function openNpz(path: string, name: string, options: ResolvedOptions): Promise<SampleSource> {
  const archive = await openZip(path, options.limits.totalBytes);
  try {
    const read = async (names: string[]): Promise<NpyArray | undefined> => {
      const found = names.find((candidate) => archive.entries.has(`${candidate}.npy`));
      if (!found) return undefined;
      return parseNpy(await archive.entries.get(`${found}.npy`)!.read(), `${path}:${found}.npy`);
    };
    const samples = await read(sampleNames);
    if (!samples) {
      const present = [...archive.entries.keys()].map((entry) => entry.replace(/\.npy$/, "")).join(", ");
      throw new DisbackError(
        `${path} has no array named ${sampleNames.join(", ")} (found: ${present}): save the images under "images"`,
      );
    }
    const labels = options.labels ? await read(labelNames) : undefined;
    return openArrays(samples, labels, path, name, options);
  } finally {
    archive.close();
  }
}

/** Makes a dataset of arrays as `openNpz` describes them. */
export function openArrays(
  samples: NpyArray,
  labels: NpyArray | undefined,
  path: string,
  name: string,
  options: ResolvedOptions,
): SampleSource {
  const count = samples.shape[0] ?? 0;
  const read = labels && toLabels(labels, count, path);
  if (samples.shape.length === 2) return new Points(name, toPoints(samples, path), samples.shape[1]!, read);
  const layout = layoutOf(samples.shape, path);
  const bytes = toBytes(samples.data, path);
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
 * else [0, 1] if none is above 1, else [0, 255]; they are rounded to bytes as saving an image would.
 */
function toBytes(data: NpyArray["data"], path: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const [least, greatest] = rangeOf(data, path);
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const signed = isFloat && least < 0 && least >= -1 && greatest <= 1;
  const unit = isFloat && least >= 0 && greatest <= 1;
  if (!signed && !unit && (least < 0 || greatest > 255))
    throw new DisbackError(
      `${path}: pixels range from ${least} to ${greatest}: expected bytes, or floats in [0, 1], [-1, 1] or [0, 255]`,
    );
  const scale = signed ? 127.5 : unit ? 255 : 1;
  const shift = signed ? 127.5 : 0;
  return Uint8Array.from(data, (value) => Math.floor(value * scale + shift + 0.5));
}

function toPoints(samples: NpyArray, path: string): Float32Array {
  rangeOf(samples.data, path);
  return Float32Array.from(samples.data);
}

function toLabels(labels: NpyArray, count: number, path: string): Labels {
  const [rows, dim, ...rest] = labels.shape;
  if (rows !== count) throw new DisbackError(`${path} holds ${rows ?? "no"} labels, but ${count} samples`);
  if (rest.length > 0)
    throw new DisbackError(
      `${path}: labels of shape ${labels.shape.join(" x ")} are neither classes [N] nor rows [N, K]`,
    );
  if (dim === undefined) return Labels.fromClasses(labels.data, path);
  if (dim === 0) throw new DisbackError(`${path}: labels of shape ${labels.shape.join(" x ")} say nothing`);
  return Labels.fromRows(Float32Array.from(labels.data), dim, path);
}
