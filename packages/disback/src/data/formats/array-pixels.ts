import { DisbackError } from "../../errors.js";
import type { Findings } from "../left-out.js";
import type { NpyArray } from "./npy.js";

/** How an array stores its images. */
export interface Layout {
  width: number;
  height: number;
  channels: 1 | 3;
  channelsFirst: boolean;
}

/** The axis of size 1 or 3 holds the channels: the last one, unless only the other reading gives square images. */
export function layoutOf(shape: number[], path: string): Layout {
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
export function rangeOf(data: NpyArray["data"], path: string): [number, number] {
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
 * Pixels as bytes. Integers must be 0 to 255; true is 255. Floats are read by their range: [-1, 1] if there is a
 * negative one, else [0, 1] if none is above 1, else [0, 255]; they are rounded to bytes as saving an image would. An
 * ambiguous range is reported.
 */
export function toBytes({ data, isBoolean }: NpyArray, path: string, findings: Findings): Uint8Array {
  if (isBoolean) return Uint8Array.from(data, (value) => 255 * value);
  const [least, greatest] = rangeOf(data, path);
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const signed = isFloat && least < 0 && least >= -1 && greatest <= 1;
  const unit = isFloat && least >= 0 && greatest <= 1;
  if (!signed && !unit && (least < 0 || greatest > 255))
    throw new DisbackError(
      `${path}: pixels range from ${least} to ${greatest}: expected bytes, or floats in [0, 1], [-1, 1] or [0, 255]`,
    );
  if (!signed && !unit && greatest <= 16)
    findings.note(
      `the pixels range from ${least} to ${greatest} and are read as 0 to 255 (nearly black); scale them if this is wrong`,
    );
  if (data instanceof Uint8Array) return data;
  const scale = signed ? 127.5 : unit ? 255 : 1;
  const shift = signed ? 127.5 : 0;
  return Uint8Array.from(data, (value) => Math.floor(value * scale + shift + 0.5));
}
