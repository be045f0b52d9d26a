import type { Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { readFloats } from "./read-floats.js";

/** Images as bytes, channels last. */
export interface Uint8Images {
  /** `[count, height, width, channels]`, row-major */
  data: Uint8Array;
  count: number;
  height: number;
  width: number;
  channels: 1 | 3;
}

/** One float to a byte: `floor(127.5 x + 128)`, cut to 0 … 255; the inverse of `u / 127.5 - 1`. NaN becomes 0. */
const toByte = (value: number): number => Math.min(255, Math.max(0, Math.floor(value * 127.5 + 128))) || 0;

/**
 * Floats in [-1, 1] to bytes, channels first to channels last.
 * @param values `[N, C, H, W]`
 * @throws DisbackError if the shape is not that of images with 1 or 3 channels
 */
export function floatsToImages(values: ArrayLike<number>, shape: readonly number[]): Uint8Images {
  const [count, channels, height, width] = shape as [number, number, number, number];
  if (shape.length !== 4 || (channels !== 1 && channels !== 3))
    throw new DisbackError(
      `samples of shape [${shape.join(", ")}] are not images: expected [N, C, H, W] with C 1 or 3`,
    );
  const data = new Uint8Array(values.length);
  const plane = height * width;
  for (let image = 0; image < count; image++)
    for (let channel = 0; channel < channels; channel++) {
      const start = (image * channels + channel) * plane;
      for (let pixel = 0; pixel < plane; pixel++)
        data[(image * plane + pixel) * channels + channel] = toByte(values[start + pixel]!);
    }
  return { data, count, height, width, channels };
}

/**
 * Samples to bytes for image files.
 * @param samples `[N, C, H, W]` in [-1, 1] (beyond is cut), any float dtype and device
 */
export function toUint8Images(samples: Tensor): Uint8Images {
  return floatsToImages(readFloats(samples), samples.shape);
}
