import { writeFile } from "node:fs/promises";
import sharp from "sharp";
import { GenerateError } from "./errors.js";
import type { Images } from "./pixels.js";

/** One of the images as a PNG file's bytes. @param index which, from 0 */
export async function toPng(images: Images, index = 0): Promise<Uint8Array> {
  const { width, height, channels, count, pixels } = images;
  if (!(index >= 0 && index < count)) throw new GenerateError(`index: there are images 0 to ${count - 1}`);
  const size = width * height * channels;
  const raw = pixels.subarray(index * size, (index + 1) * size);
  return sharp(raw, { raw: { width, height, channels } }).png().toBuffer();
}

/** Writes one of the images as a PNG file. */
export async function writePng(path: string, images: Images, index = 0): Promise<void> {
  await writeFile(path, await toPng(images, index));
}
