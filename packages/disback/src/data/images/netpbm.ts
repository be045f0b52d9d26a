import type { PixelImage } from "./resize.js";

/** Whether bytes start like a PBM, PGM or PPM file. */
export const isNetpbm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1]! >= 0x31 && bytes[1]! <= 0x36 && isSpace(bytes[2] ?? 0);

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

/**
 * Decodes a PBM, PGM or PPM file, text (P1 to P3) or binary (P4 to P6). Values are scaled from the file's maximum to
 * 255, as Pillow does (rounded, halves to even).
 * @param maximumPixels more pixels than this are refused
 * @throws Error saying what is wrong with the file
 */
export function decodeNetpbm(bytes: Uint8Array, maximumPixels: number): PixelImage {
  const kind = bytes[1]! - 0x30;
  const plain = kind <= 3;
  const bitmap = kind === 1 || kind === 4;
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const reader = new TokenReader(bytes);
  const [width, height] = [reader.number(), reader.number()];
  const greatest = bitmap ? 1 : reader.number();
  if (!(width >= 1 && height >= 1 && width * height <= maximumPixels && greatest >= 1 && greatest < 65536))
    throw new Error(`netpbm file of ${width} x ${height} pixels up to ${greatest}`);
  const count = width * height * channels;
  const values = plain
    ? Array.from({ length: count }, () => (bitmap ? reader.digit() : reader.number()))
    : binaryValues(bytes.subarray(reader.place + 1), { width, height, count, bitmap, greatest });
  const scaled = bitmap
    ? Uint8Array.of(255, 0)
    : Uint8Array.from({ length: greatest + 1 }, (_, value) => roundHalfToEven((value / greatest) * 255));
  const data = Uint8Array.from(values, (value) => scaled[Math.min(value, greatest)]!);
  return { data, width, height, channels };
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

function binaryValues(
  bytes: Uint8Array,
  size: { width: number; height: number; count: number; bitmap: boolean; greatest: number },
): ArrayLike<number> {
  const { width, height, count, bitmap, greatest } = size;
  const stride = Math.ceil(width / 8);
  const wide = greatest > 255;
  if (bytes.length < (bitmap ? stride * height : wide ? 2 * count : count))
    throw new Error("netpbm file cut short");
  if (bitmap)
    return Uint8Array.from({ length: count }, (_, pixel) => {
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      return (bytes[row * stride + (column >> 3)]! >> (7 - (column & 7))) & 1;
    });
  if (!wide) return bytes.subarray(0, count);
  return Uint16Array.from({ length: count }, (_, index) => bytes[2 * index]! * 256 + bytes[2 * index + 1]!);
}

/** Numbers as text, with comments from `#` to the end of the line. */
class TokenReader {
  place = 2;

  constructor(private readonly bytes: Uint8Array) {}

  number(): number {
    this.skipSpace();
    let value = 0;
    let digits = 0;
    for (; isDigit(this.bytes[this.place]); digits++) value = value * 10 + this.bytes[this.place++]! - 0x30;
    if (digits === 0 || digits > 9) throw new Error("netpbm file cut short or damaged");
    return value;
  }

  /** One digit of a text bitmap, which needs no space around it. */
  digit(): number {
    this.skipSpace();
    const value = (this.bytes[this.place++] ?? 0) - 0x30;
    if (value !== 0 && value !== 1) throw new Error("netpbm file cut short or damaged");
    return value;
  }

  private skipSpace(): void {
    for (; this.place < this.bytes.length; this.place++) {
      const byte = this.bytes[this.place]!;
      if (byte === 0x23) while (this.place < this.bytes.length && this.bytes[this.place] !== 10) this.place++;
      else if (!isSpace(byte)) return;
    }
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
