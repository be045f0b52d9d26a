import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type NpyArray, parseNpy } from "../../src/data/formats/npy.js";
import { openZip } from "../../src/data/formats/zip.js";
import type { SampleSource } from "../../src/data/samples.js";

/** Path of a file that `fixtures/data/make.py` wrote. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/data/${name}`, import.meta.url));

/** A new empty folder for a test's files. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "disback-data-"));

/** The arrays of a reference `.npz`. */
export async function referenceArrays(name: string): Promise<Record<string, NpyArray>> {
  const zip = await openZip(fixture(name), 2 ** 24);
  const arrays: Record<string, NpyArray> = {};
  for (const [entry, { read }] of zip.entries)
    arrays[entry.replace(".npy", "")] = parseNpy(await read(), entry);
  zip.close();
  return arrays;
}

/** All pixels of a dataset as channels-last bytes `[N, H, W, C]`, from its floats. */
export async function allPixels(source: SampleSource): Promise<Uint8Array> {
  const { samples } = await source.read(Array.from({ length: source.length }, (_, index) => index));
  const [channels, height, width] = source.sampleShape as [number, number, number];
  const plane = height * width;
  const bytes = new Uint8Array(samples.length);
  for (let index = 0; index < samples.length; index++) {
    const image = Math.floor(index / (plane * channels));
    const channel = Math.floor(index / plane) % channels;
    bytes[(image * plane + (index % plane)) * channels + channel] = Math.round((samples[index]! + 1) * 127.5);
  }
  return bytes;
}

/** The class number of every sample, from the one-hot rows. */
export async function allClasses(source: SampleSource): Promise<number[]> {
  const { labels } = await source.read(Array.from({ length: source.length }, (_, index) => index));
  return Array.from({ length: source.length }, (_, row) =>
    labels!.subarray(row * source.labelDim, (row + 1) * source.labelDim).indexOf(1),
  );
}

/** Largest difference of two arrays of bytes. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let index = 0; index < a.length; index++) largest = Math.max(largest, Math.abs(a[index]! - b[index]!));
  return largest;
}
