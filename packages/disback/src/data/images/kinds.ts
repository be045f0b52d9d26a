import { isBmp } from "./bmp.js";
import { isGif } from "./gif.js";
import { isNetpbm } from "./netpbm.js";

/** Endings of image files that are read. */
const extensions = new Set(
  ".png .apng .jpg .jpeg .jpe .jfif .jif .webp .gif .tif .tiff .avif .bmp .dib .ppm .pgm .pbm .pnm".split(
    " ",
  ),
);

/** The same for messages. */
export const imageExtensions = [...extensions].join(" ");

/** The ending of a file's name in lower case, as `.png`; empty without one. */
export function extensionOf(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot > 0 ? base.slice(dot).toLowerCase() : "";
}

/** Whether a file's name ends like one of an image we read. */
export const isImageName = (name: string): boolean => extensions.has(extensionOf(name));

const text = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString("latin1");

/** Whether bytes start like an image file that we read, whatever its name. */
export function startsLikeImage(bytes: Uint8Array): boolean {
  const start = text(bytes, 0, 4);
  return (
    start === "\x89PNG" ||
    start.startsWith("\xff\xd8\xff") ||
    (start === "RIFF" && text(bytes, 8, 12) === "WEBP") ||
    start === "II*\0" ||
    start === "MM\0*" ||
    text(bytes, 4, 12) === "ftypavif" ||
    isGif(bytes) ||
    isBmp(bytes) ||
    isNetpbm(bytes)
  );
}

/** What an unsupported file is, and what to do; undefined if unknown. */
export function whatElse(bytes: Uint8Array): string | undefined {
  const start = text(bytes, 0, 64);
  if (bytes.length === 0) return "it is empty";
  if (start.startsWith("version https://git-lfs"))
    return "it is a Git LFS pointer, not the file itself: run git lfs pull";
  if (/^\s*<(!doctype html|html)/i.test(start)) return "it is a web page: download it again";
  if (/^.{4}ftyp(hei|hev|mif|msf)/s.test(start))
    return "it is HEIC, which cannot be read: convert it to JPEG or PNG";
  if (start.startsWith("\xff\x0a") || start.startsWith("\0\0\0\x0cJXL "))
    return "it is JPEG XL, which cannot be read: convert it to PNG";
  if (start.startsWith("\0\0\0\x0cjP  ") || start.startsWith("\xff\x4f\xff\x51"))
    return "it is JPEG 2000, which cannot be read: convert it to PNG";
  if (/^\s*(<\?xml|<svg)/i.test(start)) return "it is XML or SVG: draw it as PNG";
  if (/^.{4}ftyp/s.test(start)) return "it is a film: save its pictures as PNG";
  return undefined;
}
