import sharp from "sharp";
import { DisbackError } from "../../errors.js";
import { cropAndResample, type PixelImage, toChannels } from "./resize.js";

// Tiny images gain nothing from libvips' own threads and cache: we decode several of them at once instead.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Pixels an image file may hold: what decoders set aside before they read is bounded by the file's size. No format packs
 * photographs a thousand to one; 4 million are allowed to a file of any size.
 */
const maximumPixels = ({ length }: Uint8Array) => Math.min(2 ** 26, Math.max(2 ** 22, 1024 * length));
const extensions = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif"]);

/** An image file that cannot be decoded: the one kind of error that `skipBroken` steps over. */
export class BrokenImageError extends DisbackError {
  override name = "BrokenImageError";
}

/** What the images of a dataset are brought to; `undefined` leaves them as they are. */
export interface ImageForm {
  resolution: number | undefined;
  channels: 1 | 3;
  channelsAsked: boolean;
}

/** Whether a file's name ends like one of an image we read. Hidden files (macOS writes `._name.png`) are none. */
export function isImageName(name: string): boolean {
  const base = name.slice(name.lastIndexOf("/") + 1);
  return !base.startsWith(".") && extensions.has(base.slice(base.lastIndexOf(".")).toLowerCase());
}

/** How the image files we read may end, for messages. */
export const imageExtensions = [...extensions].join(" ");

function describe(name: string, error: unknown): BrokenImageError {
  const reason = (error as Error).message.split("\n")[0];
  return new BrokenImageError(
    `${name} is not a readable image (${reason}): replace or remove it, or use --skip-broken to leave such images out`,
  );
}

/** 1 if the file holds a grey image, else 3. @throws BrokenImageError */
export async function storedChannels(bytes: Uint8Array, name: string): Promise<1 | 3> {
  try {
    const { space } = await sharp(bytes, { limitInputPixels: maximumPixels(bytes) }).metadata();
    return space === "b-w" || space === "grey16" ? 1 : 3;
  } catch (error) {
    throw describe(name, error);
  }
}

/**
 * Decodes an image file to bytes, upright, without transparency (dropped, as Pillow's `convert("RGB")` does) and
 * without colour management (the stored numbers are what every other tool trains on).
 * @param name named in errors
 * @throws BrokenImageError if the file cannot be decoded
 * @throws DisbackError if a colour image appears among grey ones and nobody chose the channels
 */
export async function decodeImage(bytes: Uint8Array, name: string, form: ImageForm): Promise<PixelImage> {
  let image: PixelImage;
  try {
    const decoded = await sharp(bytes, {
      failOn: "error",
      limitInputPixels: maximumPixels(bytes),
      ignoreIcc: true,
    })
      .autoOrient()
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = decoded.info;
    image = { data: decoded.data, width, height, channels };
  } catch (error) {
    throw describe(name, error);
  }
  if (form.resolution) image = cropAndResample(image, form.resolution);
  return toChannels(image, form.channels, name, form.channelsAsked);
}
