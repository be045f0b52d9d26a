import { join } from "node:path";
import type { Tensor } from "@disback/torch";
import sharp from "sharp";
import { DisbackError } from "../../errors.js";
import { replaceFile } from "./replace-file.js";
import { toUint8Images, type Uint8Images } from "./uint8-images.js";

/** Encodes channels-last bytes as PNG. */
export function encodePng(data: Uint8Array, width: number, height: number, channels: 1 | 3): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png()
    .toBuffer();
}

/** The PNG file of image `index`. */
export function imagePng({ data, height, width, channels }: Uint8Images, index: number): Promise<Buffer> {
  const size = height * width * channels;
  return encodePng(data.subarray(index * size, (index + 1) * size), width, height, channels);
}

/**
 * Writes one image.
 * @param sample `[C, H, W]` or `[1, C, H, W]` in [-1, 1]
 * @throws DisbackError if it is no single image, or naming the file if it cannot be written
 */
export async function writePng(path: string, sample: Tensor): Promise<void> {
  const images = toUint8Images(sample.ndim === 3 ? sample.unsqueeze(0) : sample);
  if (images.count !== 1) throw new DisbackError(`${path}: one image expected, not ${images.count}`);
  await replaceFile(path, [await imagePng(images, 0)]);
}

/**
 * Writes a batch of images as `000000.png`, `000001.png`, ….
 * @param samples `[N, C, H, W]` in [-1, 1]
 * @param first number of the first file, to write many batches into one folder
 */
export async function writePngFolder(folder: string, samples: Tensor, first = 0): Promise<void> {
  const images = toUint8Images(samples);
  for (let index = 0; index < images.count; index++) {
    const name = `${String(first + index).padStart(6, "0")}.png`;
    await replaceFile(join(folder, name), [await imagePng(images, index)]);
  }
}
