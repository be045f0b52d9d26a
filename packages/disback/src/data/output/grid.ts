import type { Tensor } from "@disback/torch";
import sharp from "sharp";
import { DisbackError } from "../../errors.js";
import { captionHeight, captionSvg } from "./caption.js";
import { encodePng } from "./png.js";
import { replaceFile } from "./replace-file.js";
import { titleSvg } from "./title.js";
import { toUint8Images, type Uint8Images } from "./uint8-images.js";

/** Layout of a grid of images. All fields are optional. */
export interface GridOptions {
  /** images per row; default: about as many as rows */
  columns?: number;
  /**
   * each pixel becomes a square of this side; default: the largest for which an image has at most 64 pixels, at least 1
   */
  scale?: number;
  /** gap between and around the images in pixels; default 4 */
  padding?: number;
  /** one line of text above the images */
  title?: string;
  /** a text below each image; the images are then larger, so that it can be read */
  captions?: readonly string[];
}

const background = 255;
const titleHeight = 28;
const maximumSide = 16384;
/** Sides of images without and with captions, in pixels, at most. */
const [imageSide, captionedSide] = [64, 112];

/** Enlarges by repeating pixels, so that small images stay as sharp as they are, and places them in a grid. */
function arrange(images: Uint8Images, columns: number, scale: number, padding: number, below: number) {
  const { data, count, height, width, channels } = images;
  const stepX = width * scale + padding;
  const stepY = height * scale + below + padding;
  const gridWidth = padding + columns * stepX;
  const gridHeight = padding + Math.ceil(count / columns) * stepY;
  if (Math.max(gridWidth, gridHeight) > maximumSide)
    throw new DisbackError(
      `a grid of ${gridWidth} x ${gridHeight} pixels is too large: use fewer images or a smaller scale`,
    );
  const pixels = new Uint8Array(gridWidth * gridHeight * channels).fill(background);
  for (let image = 0; image < count; image++) {
    const left = padding + (image % columns) * stepX;
    const top = padding + Math.floor(image / columns) * stepY;
    for (let y = 0; y < height * scale; y++)
      for (let x = 0; x < width * scale; x++) {
        const source = ((image * height + Math.floor(y / scale)) * width + Math.floor(x / scale)) * channels;
        const target = ((top + y) * gridWidth + left + x) * channels;
        for (let channel = 0; channel < channels; channel++)
          pixels[target + channel] = data[source + channel]!;
      }
  }
  return { pixels, gridWidth, gridHeight };
}

/** The PNG of a grid of images. @throws DisbackError if there are no images, or the grid would be too large */
export async function gridPng(images: Uint8Images, options: GridOptions = {}): Promise<Buffer> {
  if (images.count === 0) throw new DisbackError("a grid needs at least one image");
  const columns = Math.min(images.count, options.columns ?? Math.ceil(Math.sqrt(images.count)));
  const { captions } = options;
  const largest = captions ? captionedSide : imageSide;
  const scale = options.scale ?? Math.max(1, Math.floor(largest / Math.max(images.width, images.height)));
  const padding = options.padding ?? 4;
  for (const [name, value, least] of [
    ["columns", columns, 1],
    ["scale", scale, 1],
    ["padding", padding, 0],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new DisbackError(`grid: ${name} must be a whole number from ${least}, not ${value}`);
  const below = captions ? captionHeight : 0;
  const { pixels, gridWidth, gridHeight } = arrange(images, columns, scale, padding, below);
  const png = await encodePng(pixels, gridWidth, gridHeight, images.channels);
  const width = images.width * scale;
  const overlays = (captions ?? []).slice(0, images.count).map((caption, index) => ({
    input: captionSvg(caption, width),
    left: padding + (index % columns) * (width + padding),
    top:
      padding +
      Math.floor(index / columns) * (images.height * scale + below + padding) +
      images.height * scale,
  }));
  const written = overlays.length > 0 ? await sharp(png).composite(overlays).png().toBuffer() : png;
  if (!options.title) return written;
  return sharp(written)
    .extend({ top: titleHeight, background: "white" })
    .composite([{ input: titleSvg(options.title, gridWidth, titleHeight), top: 0, left: 0 }])
    .png()
    .toBuffer();
}

/**
 * Writes images as one PNG, row by row, on white.
 * @param samples `[N, C, H, W]` in [-1, 1]
 * @throws DisbackError naming the file if it cannot be written
 */
export async function writeGrid(path: string, samples: Tensor, options: GridOptions = {}): Promise<void> {
  await replaceFile(path, [await gridPng(toUint8Images(samples), options)]);
}
