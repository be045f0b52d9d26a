import type { PixelImage } from "./resize.js";

/** Whether bytes start like a BMP file. */
export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

interface Header {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** where the pixels start */
  start: number;
  /** red, green, blue of each index; empty above 8 bits */
  palette: Uint8Array;
  /** bits of red, green and blue, for 16 and 32 bits */
  masks: number[];
}

const NONE = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

/**
 * Decodes a BMP file of Windows or OS/2: 1, 4, 8, 16, 24 or 32 bits, run-length encoded or not. Alpha is dropped, as
 * Pillow does. The image has 1 channel if the file has a palette of greys, else 3.
 * @param maximumPixels more pixels than this are refused
 * @throws Error saying what is wrong with the file
 */
export function decodeBmp(bytes: Uint8Array, maximumPixels: number): PixelImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = readHeader(view, bytes);
  const { width, height, bits, compression, palette } = header;
  if (width < 1 || height < 1 || width * height > maximumPixels)
    throw new Error(`BMP of ${width} x ${height} pixels`);
  if (bits > 8) return trueColour(view, header);
  const indices =
    compression === NONE
      ? packedIndices(bytes, header)
      : runLengthIndices(bytes, header, compression === RLE4);
  const grey = palette.every((value, index) => value === palette[index - (index % 3)]);
  const channels = grey ? 1 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < channels; channel++)
      data[pixel * channels + channel] = palette[indices[pixel]! * 3 + channel] ?? 0;
  return { data, width, height, channels };
}

function readHeader(view: DataView, bytes: Uint8Array): Header {
  if (bytes.length < 26) throw new Error("BMP cut short inside its header");
  const size = view.getUint32(14, true);
  const old = size === 12;
  if (bytes.length < 14 + size || (!old && size < 40)) throw new Error("BMP with a damaged header");
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? NONE : view.getUint32(30, true);
  const fields = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  const fits =
    compression === NONE ||
    (compression === RLE8 && bits === 8) ||
    (compression === RLE4 && bits === 4) ||
    (fields && (bits === 16 || bits === 32));
  if (![1, 4, 8, 16, 24, 32].includes(bits) || !fits)
    throw new Error(`BMP of ${bits} bits, compression ${compression}: not supported`);
  const masks = fields
    ? [54, 58, 62].map((place) => view.getUint32(place, true))
    : bits === 16
      ? [0x7c00, 0x3e0, 0x1f]
      : [0xff0000, 0xff00, 0xff];
  const start = view.getUint32(10, true);
  const palette = bits > 8 ? new Uint8Array() : readPalette(bytes, view, 14 + size, old, bits, start);
  return { width, height: Math.abs(signed), topDown: signed < 0, bits, compression, start, palette, masks };
}

function readPalette(
  bytes: Uint8Array,
  view: DataView,
  place: number,
  old: boolean,
  bits: number,
  end: number,
): Uint8Array {
  const entry = old ? 3 : 4;
  const stated = old ? 0 : view.getUint32(46, true);
  const room = Math.floor((Math.min(end, bytes.length) - place) / entry);
  const count = Math.max(0, Math.min(stated || 2 ** bits, room));
  return Uint8Array.from({ length: 3 * count }, (_, index) => {
    return bytes[place + Math.floor(index / 3) * entry + 2 - (index % 3)]!;
  });
}

/** Rows are padded to 4 bytes and stored from the bottom up, unless the height is negative. */
function rowStart({ width, height, topDown, bits, start }: Header, row: number, available: number): number {
  const stride = Math.ceil((width * bits) / 32) * 4;
  const place = start + (topDown ? row : height - 1 - row) * stride;
  if (place + Math.ceil((width * bits) / 8) > available) throw new Error("BMP cut short");
  return place;
}

function trueColour(view: DataView, header: Header): PixelImage {
  const { width, height, bits, masks } = header;
  const step = bits / 8;
  const channel = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    const greatest = mask >>> shift;
    return (pixel: number): number =>
      greatest === 0 ? 0 : Math.floor((((pixel & mask) >>> shift) * 255) / greatest);
  });
  const data = new Uint8Array(width * height * 3);
  let target = 0;
  for (let row = 0; row < height; row++) {
    const start = rowStart(header, row, view.byteLength);
    for (let column = 0; column < width; column++) {
      const place = start + column * step;
      const low = view.getUint16(place, true);
      const pixel =
        bits === 16
          ? low
          : low + view.getUint8(place + 2) * 65536 + (bits === 32 ? view.getUint8(place + 3) * 2 ** 24 : 0);
      for (const part of channel) data[target++] = part(pixel);
    }
  }
  return { data, width, height, channels: 3 };
}

function packedIndices(bytes: Uint8Array, header: Header): Uint8Array {
  const { width, height, bits } = header;
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  for (let row = 0; row < height; row++) {
    const start = rowStart(header, row, bytes.length);
    for (let column = 0; column < width; column++) {
      const byte = bytes[start + Math.floor(column / perByte)]!;
      indices[row * width + column] = (byte >> (8 - bits * ((column % perByte) + 1))) & (2 ** bits - 1);
    }
  }
  return indices;
}

/** Microsoft's run-length code: (count, value) pairs; after a zero: end of line, end of image, a jump, or raw values. */
function runLengthIndices(bytes: Uint8Array, { width, height, start }: Header, halves: boolean): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [place, x, y] = [start, 0, 0];
  const next = (): number => {
    if (place >= bytes.length) throw new Error("BMP cut short");
    return bytes[place++]!;
  };
  const put = (value: number): void => {
    if (x < width && y < height) indices[(height - 1 - y) * width + x] = value;
    x++;
  };
  const half = (byte: number, index: number): number =>
    halves ? (index % 2 === 0 ? byte >> 4 : byte & 15) : byte;
  while (y < height) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let index = 0; index < count; index++) put(half(value, index));
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      const stored = halves ? Math.ceil(value / 2) : value;
      let byte = 0;
      for (let index = 0; index < value; index++) {
        if (!halves || index % 2 === 0) byte = next();
        put(half(byte, index));
      }
      if (stored % 2 === 1) next();
    }
  }
  return indices;
}
