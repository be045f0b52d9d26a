// A file of NumPy arrays, one after the other as `np.save` writes them.
import { fromTypedArray } from "@disback/torch";

const types = { "<f4": Float32Array, "<f8": Float64Array };

/** @returns tensors in the file's order @throws Error naming the file if it holds anything else */
export function readArrays(bytes, file) {
  const arrays = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.toString("latin1", at, at + 6) !== "\x93NUMPY" || bytes[at + 6] !== 1)
      throw new Error(`${file}: byte ${at} is not the start of a NumPy array`);
    const start = at + 10 + bytes.readUInt16LE(at + 8);
    const header = bytes.toString("latin1", at + 10, start);
    const Type = types[/'descr': '([^']+)'/.exec(header)?.[1]];
    const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1].match(/\d+/g)?.map(Number) ?? [];
    if (!Type || !header.includes("'fortran_order': False"))
      throw new Error(
        `${file}: an array of another kind than float32 or float64 in C order: ${header.trim()}`,
      );
    const length = shape.reduce((product, size) => product * size, 1);
    at = start + length * Type.BYTES_PER_ELEMENT;
    if (at > bytes.length) throw new Error(`${file}: it ends in the middle of an array`);
    arrays.push(
      fromTypedArray(new Type(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + at)), shape),
    );
  }
  return arrays;
}
