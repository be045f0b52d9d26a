import { DisbackError } from "../../errors.js";

/** An array of an `.npy` file, C order. 64-bit integers are read as numbers, exact below 2^53. */
export interface NpyArray {
  shape: number[];
  data:
    | Uint8Array
    | Int8Array
    | Uint16Array
    | Int16Array
    | Uint32Array
    | Int32Array
    | Float32Array
    | Float64Array;
  /** elements are true (1) or false (0) */
  isBoolean?: true;
}

type Reader = (bytes: ArrayBuffer) => NpyArray["data"];

const readers: Record<string, Reader> = {
  "|b1": (bytes) => new Uint8Array(bytes),
  "|u1": (bytes) => new Uint8Array(bytes),
  "|i1": (bytes) => new Int8Array(bytes),
  "<u2": (bytes) => new Uint16Array(bytes),
  "<i2": (bytes) => new Int16Array(bytes),
  "<u4": (bytes) => new Uint32Array(bytes),
  "<i4": (bytes) => new Int32Array(bytes),
  "<u8": (bytes) => Float64Array.from(new BigUint64Array(bytes), Number),
  "<i8": (bytes) => Float64Array.from(new BigInt64Array(bytes), Number),
  "<f4": (bytes) => new Float32Array(bytes),
  "<f8": (bytes) => new Float64Array(bytes),
};

const magic = "\x93NUMPY";

/** Whether bytes start like an `.npy` file. */
export const isNpy = (head: Uint8Array): boolean =>
  Buffer.from(head.subarray(0, 6)).toString("latin1") === magic;

/** The header's length and text: versions 1.0, 2.0 and 3.0 differ in how the length is stored. */
function headerOf(bytes: Uint8Array, name: string): { text: string; end: number } {
  if (!isNpy(bytes) || bytes.length < 12)
    throw new DisbackError(`${name} is not an .npy array (wrong magic number)`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = bytes[6] === 1 ? 10 : 12;
  const end = start + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) throw new DisbackError(`${name} is cut short inside its header`);
  return { text: Buffer.from(bytes.subarray(start, end)).toString("utf8"), end };
}

/**
 * Parses NumPy's `.npy` format (NEP 1).
 * @throws DisbackError naming the array if it is damaged or cut short, of an unsupported type, or in Fortran order
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { text, end } = headerOf(bytes, name);
  const type = /'descr': *'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order': *(True|False)/.exec(text)?.[1];
  const shapeText = /'shape': *\(([0-9, ]*)\)/.exec(text)?.[1];
  if (!order || shapeText === undefined || (!type && !text.includes("'descr'")))
    throw new DisbackError(`${name} has a damaged .npy header`);
  const reader = readers[type ?? ""];
  if (!reader)
    throw new DisbackError(
      `${name} holds elements of type ${type ?? "record"}, which is not supported: save it as uint8, int64 or float32`,
    );
  const shape = shapeText
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  if (order === "True" && shape.length > 1)
    throw new DisbackError(`${name} is in Fortran order: save it through numpy.ascontiguousarray`);
  const count = shape.reduce((product, size) => product * size, 1);
  const expected = count * Number(type!.slice(2));
  if (bytes.length - end !== expected)
    throw new DisbackError(
      `${name} holds ${bytes.length - end} bytes of data, but its header promises ${expected}: it is damaged or cut short`,
    );
  // Copied, because a typed array must start at a multiple of its element's size.
  const data = reader(new Uint8Array(bytes.subarray(end)).buffer);
  return { shape, data, ...(type === "|b1" ? { isBoolean: true } : {}) };
}

/**
 * The texts of an `.npy` array of fixed-length text (`<U5`, `|S5`), as NumPy stores class names; undefined for an array
 * of something else.
 * @throws DisbackError naming the array if it is damaged or not one-dimensional
 */
export function parseNpyTexts(bytes: Uint8Array, name: string): string[] | undefined {
  const { text, end } = headerOf(bytes, name);
  const match = /'descr': *'[<|](U|S)(\d+)'/.exec(text);
  const shape = /'shape': *\((\d+),\)/.exec(text);
  if (!match) return undefined;
  if (!shape) throw new DisbackError(`${name} holds texts, but not in one row`);
  const [length, wide] = [Number(match[2]), match[1] === "U"];
  const size = wide ? 4 * length : length;
  if (bytes.length - end !== size * Number(shape[1]))
    throw new DisbackError(`${name} is damaged or cut short`);
  const data = Buffer.from(bytes.subarray(end));
  return Array.from({ length: Number(shape[1]) }, (_, row) => {
    const part = data.subarray(row * size, (row + 1) * size);
    if (!wide) return part.toString("utf8").replace(/\0+$/, "");
    const codes = Array.from({ length }, (_, index) => part.readUInt32LE(4 * index));
    return String.fromCodePoint(...codes.filter((code) => code > 0 && code <= 0x10ffff));
  });
}

/** Data that `formatNpy` writes. */
export type NpyData = Uint8Array | Float32Array | BigInt64Array;

/** Writes an array as an `.npy` file (version 1.0, C order). */
export function formatNpy(data: NpyData, shape: readonly number[]): Uint8Array {
  const type = data instanceof Uint8Array ? "|u1" : data instanceof Float32Array ? "<f4" : "<i8";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const description = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // The data must start at a multiple of 64 bytes.
  const header = `${description.padEnd(Math.ceil((description.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from(`${magic}\x01\x00\x00\x00${header}`, "latin1");
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}
