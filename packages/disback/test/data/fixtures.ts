import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import sharp from "sharp";
import { pack } from "tar-stream";
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

/** Files by path, as bytes or text. */
export type FileTree = Record<string, Uint8Array | string>;

/** Writes files into a new folder. */
export function folderOf(files: FileTree): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Writes files as a zip into a new folder. */
export function zipOf(files: FileTree, name = "data.zip"): string {
  const path = join(temporaryFolder(), name);
  const entries = Object.entries(files).map(([entry, content]) => [entry, Buffer.from(content)] as const);
  writeFileSync(path, zipSync(Object.fromEntries(entries)));
  return path;
}

/** Writes files as a tar into a new folder. */
export async function tarOf(files: FileTree, name = "data.tar"): Promise<string> {
  const archive = pack();
  for (const [entry, content] of Object.entries(files)) archive.entry({ name: entry }, Buffer.from(content));
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  const path = join(temporaryFolder(), name);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** A PNG of one grey, 8 x 8 colour: its value tells it from others. */
export const grey = (value: number): Promise<Buffer> =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: { r: value, g: value, b: value } } })
    .png()
    .toBuffer();

/** The first byte of every sample: what `grey` was given. */
export async function values(source: SampleSource): Promise<number[]> {
  const { samples } = await source.read(Array.from({ length: source.length }, (_, index) => index));
  const size = samples.length / source.length;
  return Array.from({ length: source.length }, (_, index) =>
    Math.round((samples[index * size]! + 1) * 127.5),
  );
}
