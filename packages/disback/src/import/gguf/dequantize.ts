/**
 * A way in which a GGUF file stores numbers: blocks of values with their scales, little-endian. Names, sizes and formulas are
 * those of ggml (ggml-quants.c).
 */
export interface Quantization {
  name: string;
  /** values of a block */
  values: number;
  /** bytes of a block */
  bytes: number;
  /** Writes the values of the block at `at`. */
  read(view: DataView, at: number, out: Float32Array, place: number): void;
}

/** By their numbers in a file. */
export const quantizations: ReadonlyMap<number, Quantization> = new Map([
  [0, plain("F32", 4, (view, at) => view.getFloat32(at, true))],
  [1, plain("F16", 2, half)],
  [30, plain("BF16", 2, brain)],
  [
    2,
    {
      name: "Q4_0",
      values: 32,
      bytes: 18,
      read: (view, at, out, place) => nibbles(view, at + 2, out, place, half(view, at), -8),
    },
  ],
  [
    3,
    {
      name: "Q4_1",
      values: 32,
      bytes: 20,
      read: (view, at, out, place) =>
        nibbles(view, at + 4, out, place, half(view, at), 0, half(view, at + 2)),
    },
  ],
  [
    6,
    {
      name: "Q5_0",
      values: 32,
      bytes: 22,
      read: (view, at, out, place) => fives(view, at + 2, out, place, half(view, at), -16),
    },
  ],
  [
    7,
    {
      name: "Q5_1",
      values: 32,
      bytes: 24,
      read: (view, at, out, place) => fives(view, at + 4, out, place, half(view, at), 0, half(view, at + 2)),
    },
  ],
  [8, { name: "Q8_0", values: 32, bytes: 34, read: eights }],
  [12, { name: "Q4_K", values: 256, bytes: 144, read: q4k }],
  [14, { name: "Q6_K", values: 256, bytes: 210, read: q6k }],
]);

function plain(name: string, bytes: number, value: (view: DataView, at: number) => number): Quantization {
  return {
    ...{ name, values: 1, bytes },
    read: (view, at, out, place) => {
      out[place] = value(view, at);
    },
  };
}

/** IEEE half precision. */
function half(view: DataView, at: number): number {
  const bits = view.getUint16(at, true);
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));

function brain(view: DataView, at: number): number {
  word.setUint32(0, view.getUint16(at, true) << 16);
  return word.getFloat32(0);
}

/** 4 bits each: the low halves of 16 bytes, then the high ones. */
function nibbles(
  view: DataView,
  at: number,
  out: Float32Array,
  place: number,
  scale: number,
  offset: number,
  least = 0,
): void {
  for (let i = 0; i < 16; i++) {
    const byte = view.getUint8(at + i);
    out[place + i] = ((byte & 15) + offset) * scale + least;
    out[place + i + 16] = ((byte >> 4) + offset) * scale + least;
  }
}

/** The same with a fifth bit of each in 4 bytes ahead. */
function fives(
  view: DataView,
  at: number,
  out: Float32Array,
  place: number,
  scale: number,
  offset: number,
  least = 0,
): void {
  const high = view.getUint32(at, true);
  for (let i = 0; i < 16; i++) {
    const byte = view.getUint8(at + 4 + i);
    out[place + i] = (((byte & 15) | (((high >>> i) & 1) << 4)) + offset) * scale + least;
    out[place + i + 16] = (((byte >> 4) | (((high >>> (i + 16)) & 1) << 4)) + offset) * scale + least;
  }
}

function eights(view: DataView, at: number, out: Float32Array, place: number): void {
  const scale = half(view, at);
  for (let i = 0; i < 32; i++) out[place + i] = view.getInt8(at + 2 + i) * scale;
}

/** 8 groups of 32, each with a scale and a minimum of 6 bits. */
function q4k(view: DataView, at: number, out: Float32Array, place: number): void {
  const [scale, least] = [half(view, at), half(view, at + 2)];
  const packed = (index: number) => view.getUint8(at + 4 + index);
  for (let group = 0; group < 8; group++) {
    const [factor, minimum] =
      group < 4
        ? [packed(group) & 63, packed(group + 4) & 63]
        : [
            (packed(group + 4) & 15) | ((packed(group - 4) >> 6) << 4),
            (packed(group + 4) >> 4) | ((packed(group) >> 6) << 4),
          ];
    // Two groups share 32 bytes: the low halves are the first's.
    const bytes = at + 16 + 32 * (group >> 1);
    const shift = group % 2 === 0 ? 0 : 4;
    for (let i = 0; i < 32; i++) {
      const value = (view.getUint8(bytes + i) >> shift) & 15;
      out[place + 32 * group + i] = scale * factor * value - least * minimum;
    }
  }
}

/** 16 groups of 16 with a scale of 8 bits; 4 low bits and 2 high bits of each value lie apart. */
function q6k(view: DataView, at: number, out: Float32Array, place: number): void {
  const scale = half(view, at + 208);
  for (let part = 0; part < 2; part++) {
    const [low, high, scales] = [at + 64 * part, at + 128 + 32 * part, at + 192 + 8 * part];
    for (let quarter = 0; quarter < 4; quarter++) {
      for (let i = 0; i < 32; i++) {
        const lowBits = (view.getUint8(low + i + 32 * (quarter % 2)) >> (quarter < 2 ? 0 : 4)) & 15;
        const highBits = (view.getUint8(high + i) >> (2 * quarter)) & 3;
        const factor = view.getInt8(scales + 2 * quarter + (i >> 4));
        out[place + 128 * part + 32 * quarter + i] = scale * factor * ((lowBits | (highBits << 4)) - 32);
      }
    }
  }
}
