import { GenerateError } from "./errors.js";

/** Images as bytes, channels last. */
export interface Images {
  /** `[count, height, width, channels]`, row-major */
  pixels: Uint8Array;
  count: number;
  height: number;
  width: number;
  channels: 1 | 3;
  /** class of each image; absent for a model without classes */
  labels?: readonly number[];
}

/** `floor(127.5 x + 128)`, cut to 0 … 255. */
const toByte = (value: number): number => Math.min(255, Math.max(0, Math.floor(value * 127.5 + 128))) || 0;

/**
 * Samples in [-1, 1] as bytes.
 * @param samples `[N, C, H, W]`, row-major
 * @param sampleShape `[C, H, W]`
 * @throws GenerateError if the samples are not images
 */
export function toImages(samples: Float32Array, sampleShape: readonly number[]): Images {
  const [channels, height, width] = sampleShape;
  if (sampleShape.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new GenerateError(`samples of shape [${sampleShape.join(", ")}] are not images; use sample()`);
  }
  const plane = height! * width!;
  const pixels = new Uint8Array(samples.length);
  for (let index = 0; index < samples.length; index++) {
    const image = Math.floor(index / (plane * channels));
    const channel = Math.floor(index / plane) % channels;
    pixels[(image * plane + (index % plane)) * channels + channel] = toByte(samples[index]!);
  }
  return { pixels, count: samples.length / (plane * channels), height: height!, width: width!, channels };
}
