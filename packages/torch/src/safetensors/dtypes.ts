import type { DType } from "../dtype.js";

/** safetensors' dtype names in layout order; wide ones come first, so that all are aligned. */
const formats: [name: string, dtype: DType, bytes: number][] = [
  ["I64", "int64", 8],
  ["F64", "float64", 8],
  ["F32", "float32", 4],
  ["I32", "int32", 4],
  ["BF16", "bfloat16", 2],
  ["F16", "float16", 2],
  ["I16", "int16", 2],
  ["I8", "int8", 1],
  ["U8", "uint8", 1],
  ["BOOL", "bool", 1],
];

export interface Format {
  name: string;
  dtype: DType;
  /** bytes per element */
  bytes: number;
  /** place in the layout */
  rank: number;
}

const all: Format[] = formats.map(([name, dtype, bytes], rank) => ({ name, dtype, bytes, rank }));

/** The format of a dtype's name in a file's header, if it is supported. */
export function formatByName(name: string): Format | undefined {
  return all.find((format) => format.name === name);
}

/** The format in which a dtype is written, if there is one. */
export function formatByDType(dtype: DType): Format | undefined {
  return all.find((format) => format.dtype === dtype);
}
