import { DisbackError } from "../../errors.js";
import { pillowResample } from "./pillow-resample.js";

/** One image of bytes, channels last: `[height, width, channels]`. */
export interface PixelImage {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

/** The largest centred square; an odd remainder leaves the extra pixel at the right or bottom. */
export function cropSquare(image: PixelImage): PixelImage {
  const { data, width, height, channels } = image;
  const side = Math.min(width, height);
  if (width === height) return image;
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const cropped = new Uint8Array(side * side * channels);
  for (let row = 0; row < side; row++) {
    const start = ((top + row) * width + left) * channels;
    cropped.set(data.subarray(start, start + side * channels), row * side * channels);
  }
  return { data: cropped, width: side, height: side, channels };
}

/** Adds zeros around a square image, evenly (an odd remainder goes to the right and bottom). */
export function padSquare(image: PixelImage, side: number): PixelImage {
  const { data, width, channels } = image;
  if (side === width) return image;
  const margin = Math.floor((side - width) / 2);
  const padded = new Uint8Array(side * side * channels);
  for (let row = 0; row < width; row++) {
    const source = data.subarray(row * width * channels, (row + 1) * width * channels);
    padded.set(source, ((margin + row) * side + margin) * channels);
  }
  return { data: padded, width: side, height: side, channels };
}

/** Averages blocks of `factor` x `factor` pixels of a square image, rounding halves up. */
export function boxAverage(image: PixelImage, factor: number): PixelImage {
  const { data, width, channels } = image;
  if (factor === 1) return image;
  const side = width / factor;
  const area = factor * factor;
  const averaged = new Uint8Array(side * side * channels);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let down = 0; down < factor; down++)
          for (let right = 0; right < factor; right++)
            sum += data[((row * factor + down) * width + column * factor + right) * channels + channel]!;
        averaged[(row * side + column) * channels + channel] = Math.floor((2 * sum + area) / (2 * area));
      }
  return { data: averaged, width: side, height: side, channels };
}

/** Centre crop and Lanczos-3 resampling: what EDM's data preparation does to photographs, to the bit. */
export function cropAndResample(image: PixelImage, side: number): PixelImage {
  const square = cropSquare(image);
  if (square.width === side) return square;
  const data = pillowResample(square.data, [square.width, side, square.channels], "lanczos");
  return { data, width: side, height: side, channels: square.channels };
}

/** Whether images of the MNIST family (28 x 28) are brought to a side by `padAndAverage`. */
export const isMnistResizing = (width: number, height: number, side: number): boolean =>
  width === 28 && height === 28 && (side === 32 || side === 16);

/**
 * What is usual for the MNIST family, whose background is black: 28 x 28 becomes 32 x 32 by a margin of 2 zeros on each
 * side, and 16 x 16 by that and 2 x 2 averages.
 */
export function padAndAverage(image: PixelImage, side: 32 | 16): PixelImage {
  return boxAverage(padSquare(image, 32), 32 / side);
}

/** Images of different forms: one of the options must be chosen. */
export class ImageFormError extends DisbackError {
  override name = "ImageFormError";

  constructor(
    message: string,
    /** the option to choose */
    readonly option: "resolution" | "channels",
  ) {
    super(message);
  }
}

/** Whether red, green and blue are equal in every pixel. */
export const isGrey = (data: Uint8Array): boolean => {
  for (let pixel = 0; pixel < data.length; pixel += 3)
    if (data[pixel] !== data[pixel + 1] || data[pixel] !== data[pixel + 2]) return false;
  return true;
};

/**
 * Grey to colour by repetition; colour to grey by Rec. 601 luma in 16-bit fixed point.
 * @param name for the error if colour would be lost without a request
 * @param asked whether the user chose the number of channels
 */
export function toChannels(image: PixelImage, channels: 1 | 3, name: string, asked: boolean): PixelImage {
  const { data, width, height } = image;
  if (image.channels === channels) return image;
  const converted = new Uint8Array(width * height * channels);
  if (channels === 3) {
    for (let index = 0; index < converted.length; index++) converted[index] = data[Math.floor(index / 3)]!;
    return { data: converted, width, height, channels };
  }
  if (!asked && !isGrey(data))
    throw new ImageFormError(
      `${name} is a colour image among grey ones: choose the channels, 1 or 3`,
      "channels",
    );
  for (let pixel = 0; pixel < converted.length; pixel++)
    converted[pixel] =
      (data[3 * pixel]! * 19595 + data[3 * pixel + 1]! * 38470 + data[3 * pixel + 2]! * 7471 + 0x8000) >> 16;
  return { data: converted, width, height, channels };
}
