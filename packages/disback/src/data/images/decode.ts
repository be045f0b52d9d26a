import sharp from "sharp";
import { DisbackError } from "../../errors.js";
import { decodeBmp, isBmp } from "./bmp.js";
import { cmykToRgb, isCmykJpeg } from "./cmyk.js";
import { decodeGif, isGif } from "./gif.js";
import { whatElse } from "./kinds.js";
import { decodeNetpbm, isNetpbm } from "./netpbm.js";
import { cropAndResample, isGrey, type PixelImage, toChannels } from "./resize.js";
import { isRawYcc } from "./tiff.js";

// Tiny images gain nothing from libvips' own threads and cache: we decode several of them at once instead.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Largest number of pixels of an image file. It bounds the memory that decoders allocate before reading by the file's
 * size. No format compresses photographs by a factor of a thousand; 4 million pixels are always allowed.
 */
const maximumPixels = ({ length }: Uint8Array) => Math.min(2 ** 26, Math.max(2 ** 22, 1024 * length));

/** An image file that cannot be decoded: the only error that `skipBroken` skips. */
export class BrokenImageError extends DisbackError {
  override name = "BrokenImageError";
}

/** The common form of a dataset's images; `undefined` leaves them unchanged. */
export interface ImageForm {
  resolution: number | undefined;
  channels: 1 | 3;
  channelsAsked: boolean;
}

/** Properties of an image file before conversion. */
export interface ImageTraits {
  width: number;
  height: number;
  /** whether it has more frames or pages; the first is read */
  animated: boolean;
  /** whether it has transparent pixels; their colours are read, their transparency is not */
  transparent: boolean;
  /** whether it has colours; false for a colour file of greys */
  colour: boolean;
}

/** An image in a dataset's form. */
export interface DecodedImage extends PixelImage {
  /** the file, for people */
  name: string;
  traits: ImageTraits;
}

interface FileImage extends PixelImage {
  animated: boolean;
  transparent: boolean;
}

function describe(name: string, bytes: Uint8Array, error: unknown): BrokenImageError {
  const reason = whatElse(bytes) ?? (error as Error).message.split("\n")[0];
  return new BrokenImageError(
    `${name} is not a readable image (${reason}): replace or remove it, or use --skip-broken to leave such images out`,
  );
}

/** 1 if the file holds a grey image, else 3. @throws BrokenImageError */
export async function storedChannels(bytes: Uint8Array, name: string): Promise<1 | 3> {
  try {
    const own = decodeHere(bytes);
    if (own) return own.channels === 1 ? 1 : 3;
    const { space } = await sharp(bytes, { limitInputPixels: maximumPixels(bytes) }).metadata();
    return space === "b-w" || space === "grey16" ? 1 : 3;
  } catch (error) {
    throw describe(name, bytes, error);
  }
}

/**
 * Decodes the first frames of an animated GIF or WebP, whole pictures with what each of them adds.
 * @param name named in errors @param count of frames
 * @throws BrokenImageError if the file cannot be decoded, DisbackError if it has fewer frames
 */
export async function decodeFrames(bytes: Uint8Array, name: string, count: number): Promise<PixelImage[]> {
  const options = { failOn: "error", limitInputPixels: maximumPixels(bytes) } as const;
  const fail = (error: unknown): never => {
    throw describe(name, bytes, error);
  };
  const { pages = 1 } = await sharp(bytes, options).metadata().catch(fail);
  if (pages < count)
    throw new DisbackError(`${name} has ${pages} frames, but clips of ${count} are asked for`);
  const { data, info } = await sharp(bytes, { ...options, pages: count })
    .flatten({ background: "black" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(fail);
  const { width, channels } = info;
  const size = data.length / count;
  return Array.from({ length: count }, (_, frame) => {
    const pixels = data.subarray(frame * size, (frame + 1) * size);
    return { data: pixels, width, height: size / width / channels, channels };
  });
}

/** Formats that libvips does not read, or not as Pillow does. */
function decodeHere(bytes: Uint8Array): FileImage | undefined {
  const still = { animated: false, transparent: false };
  if (isGif(bytes)) return decodeGif(bytes, maximumPixels(bytes));
  if (isBmp(bytes)) return { ...decodeBmp(bytes, maximumPixels(bytes)), ...still };
  if (isNetpbm(bytes)) return { ...decodeNetpbm(bytes, maximumPixels(bytes)), ...still };
  return undefined;
}

const isPng = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;
const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8;
/** The chunk that makes a PNG an animation comes before its pixels. */
const isAnimatedPng = (bytes: Uint8Array): boolean =>
  isPng(bytes) && Buffer.from(bytes.subarray(0, 4096)).includes("acTL", 8, "latin1");

async function decodeBySharp(bytes: Uint8Array): Promise<FileImage> {
  const options = { failOn: "error", limitInputPixels: maximumPixels(bytes), ignoreIcc: true } as const;
  const facts = isPng(bytes) || isJpeg(bytes) ? undefined : await sharp(bytes, options).metadata();
  if (facts?.format === "tiff" && isRawYcc(bytes)) throw new Error("TIFF in YCbCr colours without JPEG");
  const isCmyk = facts ? facts.space === "cmyk" : isJpeg(bytes) && isCmykJpeg(bytes);
  const image = sharp(bytes, options).autoOrient();
  const { data, info } = await (isCmyk
    ? image.pipelineColourspace("cmyk").removeAlpha().toColourspace("cmyk")
    : image.toColourspace("srgb")
  )
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const animated = (facts?.pages ?? 1) > 1 || isAnimatedPng(bytes);
  if (isCmyk) return { data: cmykToRgb(data), width, height, channels: 3, animated, transparent: false };
  return { width, height, animated, ...withoutAlpha(data, info.channels) };
}

/** Drops the alpha channel, and returns whether it was in use. */
function withoutAlpha(data: Uint8Array, channels: number) {
  if (channels % 2 === 1) return { data, channels, transparent: false };
  const kept = new Uint8Array((data.length / channels) * (channels - 1));
  let transparent = false;
  for (let index = 0, target = 0; index < data.length; index++) {
    if (index % channels < channels - 1) kept[target++] = data[index]!;
    else if (data[index] !== 255) transparent = true;
  }
  return { data: kept, channels: channels - 1, transparent };
}

/**
 * Decodes an image file to bytes as Pillow's `convert("RGB")` does: the first frame, transparency dropped (the colours
 * below it show), CMYK by its plain formula, no colour management (the stored numbers are what every other tool trains
 * on). Unlike Pillow it turns the image upright, and keeps the upper 8 of 16 bits.
 * @param name named in errors
 * @throws BrokenImageError if the file cannot be decoded
 * @throws ImageFormError if a colour image appears among grey ones and the channels were not chosen
 */
export async function decodeImage(bytes: Uint8Array, name: string, form: ImageForm): Promise<DecodedImage> {
  let image: FileImage;
  try {
    image = decodeHere(bytes) ?? (await decodeBySharp(bytes));
  } catch (error) {
    throw describe(name, bytes, error);
  }
  const { width, height, animated, transparent } = image;
  const colour = image.channels === 3 && !isGrey(image.data);
  const square = form.resolution ? cropAndResample(image, form.resolution) : image;
  const shaped = toChannels(square, form.channels, name, form.channelsAsked);
  return {
    name,
    data: shaped.data,
    width: shaped.width,
    height: shaped.height,
    channels: shaped.channels,
    traits: { width, height, animated, transparent, colour },
  };
}
