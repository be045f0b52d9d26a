import type { PixelImage } from "./resize.js";

/** Whether bytes start like a GIF file. */
export const isGif = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "GIF8";

/** The first frame of a GIF file, and what was left out of it. */
export interface GifImage extends PixelImage {
  /** whether there are more frames */
  animated: boolean;
  /** whether some of its pixels are transparent */
  transparent: boolean;
}

/**
 * Decodes the first frame of a GIF. Transparent pixels get their palette colour, as in Pillow's `convert("RGB")`; other
 * decoders discard it.
 * @param maximumPixels more pixels than this are refused
 * @throws Error saying what is wrong with the file
 */
export function decodeGif(bytes: Uint8Array, maximumPixels: number): GifImage {
  const reader = new GifReader(bytes);
  reader.place = 6;
  let [width, height] = [reader.uint16(), reader.uint16()];
  const flags = reader.uint8();
  reader.skip(2);
  const shared = flags & 0x80 ? reader.take(3 * 2 ** ((flags & 7) + 1)) : undefined;
  let transparent = -1;
  for (;;) {
    const block = reader.uint8();
    if (block === EXTENSION) {
      const label = reader.uint8();
      const parts = reader.subBlocks();
      if (label === GRAPHIC_CONTROL && parts[0]! & 1) transparent = parts[3] ?? -1;
      continue;
    }
    if (block !== IMAGE) throw new Error("GIF without an image");
    const [left, top, columns, rows] = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()];
    const local = reader.uint8();
    const palette = local & 0x80 ? reader.take(3 * 2 ** ((local & 7) + 1)) : shared;
    [width, height] = [Math.max(width, left + columns), Math.max(height, top + rows)];
    if (width * height > maximumPixels || width * height === 0)
      throw new Error(`GIF of ${width} x ${height} pixels`);
    const codeSize = reader.uint8();
    const indices = lzwDecode(reader.subBlocks(), codeSize, columns * rows);
    const screen = new Uint8Array(width * height).fill(Math.max(transparent, 0));
    for (let row = 0; row < rows; row++) {
      const target = top + (local & 0x40 ? interlacedRow(row, rows) : row);
      screen.set(indices.subarray(row * columns, (row + 1) * columns), target * width + left);
    }
    const data = new Uint8Array(width * height * 3);
    for (let index = 0; index < data.length; index++) {
      const value = screen[Math.floor(index / 3)]!;
      data[index] = palette ? (palette[3 * value + (index % 3)] ?? 0) : value;
    }
    const seen = transparent >= 0 && screen.includes(transparent);
    return { data, width, height, channels: 3, animated: reader.hasMoreFrames(), transparent: seen };
  }
}

const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;

class GifReader {
  place = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(count: number): Uint8Array {
    if (this.place + count > this.bytes.length) throw new Error("GIF cut short");
    this.place += count;
    return this.bytes.subarray(this.place - count, this.place);
  }

  skip(count: number): void {
    this.take(count);
  }

  uint8(): number {
    return this.take(1)[0]!;
  }

  uint16(): number {
    const [low, high] = this.take(2);
    return low! + 256 * high!;
  }

  subBlocks(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let size = this.uint8(); size > 0; size = this.uint8()) parts.push(this.take(size));
    return Buffer.concat(parts);
  }

  /** Searches another image block. Damage after the first frame does not matter. */
  hasMoreFrames(): boolean {
    try {
      for (;;) {
        const block = this.uint8();
        if (block !== EXTENSION) return block === IMAGE;
        this.skip(1);
        this.subBlocks();
      }
    } catch {
      return false;
    }
  }
}

/** Where row `row` of an interlaced image belongs: every 8th, the 8ths between, every 4th between, every 2nd. */
function interlacedRow(row: number, rows: number): number {
  let before = 0;
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    const here = Math.ceil((rows - first) / step);
    if (row < before + here) return first + (row - before) * step;
    before += Math.max(here, 0);
  }
  return row;
}

/** GIF's LZW: codes of growing length, least significant bit first, each a known string and one more byte. */
function lzwDecode(bytes: Uint8Array, codeSize: number, count: number): Uint8Array {
  if (codeSize < 1 || codeSize > 8) throw new Error("GIF with a wrong code size");
  const clear = 2 ** codeSize;
  const prefix = new Int16Array(4096).fill(-1);
  const last = Uint8Array.from({ length: 4096 }, (_, code) => code);
  const text = new Uint8Array(4097);
  const result = new Uint8Array(count);
  let [written, place, buffer, bits] = [0, 0, 0, 0];
  let [length, next, previous] = [codeSize + 1, clear + 2, -1];
  while (written < count) {
    while (bits < length) {
      if (place >= bytes.length) throw new Error("GIF cut short");
      buffer |= bytes[place++]! << bits;
      bits += 8;
    }
    const code = buffer & (2 ** length - 1);
    buffer >>>= length;
    bits -= length;
    if (code === clear) {
      [length, next, previous] = [codeSize + 1, clear + 2, -1];
      continue;
    }
    if (code === clear + 1 || code > next || (code === next && previous < 0))
      throw new Error("GIF cut short or damaged");
    let size = 0;
    // A code that is not complete yet means the previous string followed by that string's first byte.
    if (code === next) text[size++] = 0;
    for (let at = code === next ? previous : code; at >= 0; at = prefix[at]!) text[size++] = last[at]!;
    const first = text[size - 1]!;
    if (code === next) text[0] = first;
    while (size > 0 && written < count) result[written++] = text[--size]!;
    if (previous >= 0 && next < 4096) {
      prefix[next] = previous;
      last[next++] = first;
      if (next === 2 ** length && length < 12) length++;
    }
    previous = code;
  }
  return result;
}
