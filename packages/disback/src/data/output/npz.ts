import type { Tensor } from "@disback/torch";
import { Zip, ZipPassThrough } from "fflate";
import { DisbackError } from "../../errors.js";
import { formatNpy, type NpyData } from "../formats/npy.js";
import { readFloats } from "./read-floats.js";
import { replaceFile } from "./replace-file.js";
import { toUint8Images } from "./uint8-images.js";

/** An array to be written. */
export interface NamedArray {
  name: string;
  data: NpyData;
  shape: readonly number[];
}

const maximumBytes = 2 ** 32 - 2 ** 16;

/** The pieces of an `.npz` file, stored without compression as `numpy.savez` does. */
export function npzParts(arrays: NamedArray[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
  });
  for (const { name, data, shape } of arrays) {
    const entry = new ZipPassThrough(`${name}.npy`);
    // A fixed time: the same arrays give the same file.
    entry.mtime = new Date(1980, 0, 1);
    zip.add(entry);
    entry.push(formatNpy(data, shape), true);
  }
  zip.end();
  return parts;
}

/**
 * Writes samples as `.npz`: images as `images`, uint8 `[N, H, W, C]`; points as `samples`, float32 `[N, D]`; with
 * `labels`, int64 `[N]`, if given. `openDataset` reads it back.
 * @param samples `[N, C, H, W]` in [-1, 1], or `[N, D]`
 * @param labels class numbers, one per sample
 * @throws DisbackError if labels and samples do not match, are too many for a zip file, or the file cannot be written
 */
export async function writeNpz(path: string, samples: Tensor, labels?: ArrayLike<number>): Promise<void> {
  const arrays: NamedArray[] = [];
  if (samples.ndim === 2) {
    arrays.push({ name: "samples", data: readFloats(samples), shape: samples.shape });
  } else {
    const { data, count, height, width, channels } = toUint8Images(samples);
    arrays.push({ name: "images", data, shape: [count, height, width, channels] });
  }
  const count = samples.shape[0]!;
  if (labels && labels.length !== count)
    throw new DisbackError(`${path}: ${labels.length} labels for ${count} samples`);
  if (labels)
    arrays.push({ name: "labels", data: BigInt64Array.from(Array.from(labels, BigInt)), shape: [count] });
  if (arrays.reduce((sum, { data }) => sum + data.byteLength, 0) > maximumBytes)
    throw new DisbackError(
      `${path}: too many samples for one .npz file (4 GiB): write a folder of PNGs instead`,
    );
  await replaceFile(path, npzParts(arrays));
}
