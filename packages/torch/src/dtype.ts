import { TorchError } from "./errors.js";

/** libtorch's scalar types by their numbers in c10::ScalarType. */
const codes = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;

export type DType = keyof typeof codes;

const names = new Map<number, DType>(Object.entries(codes).map(([name, code]) => [code, name as DType]));

/** The number libtorch knows a dtype by. */
export function dtypeCode(dtype: DType): number {
  const code = Object.hasOwn(codes, dtype) ? codes[dtype] : undefined;
  if (code === undefined)
    throw new TorchError(`unknown dtype '${String(dtype)}'; known: ${Object.keys(codes).join(", ")}`);
  return code;
}

export function dtypeName(code: number): DType {
  const name = names.get(code);
  if (name === undefined)
    throw new TorchError(`this tensor's dtype (number ${code}) has no counterpart here`);
  return name;
}

export function isDType(text: string): text is DType {
  return Object.hasOwn(codes, text);
}

export type MemoryFormat = "contiguous" | "preserve" | "channels_last" | "channels_last_3d";
const formats: Record<MemoryFormat, number> = {
  contiguous: 0,
  preserve: 1,
  channels_last: 2,
  channels_last_3d: 3,
};

export function memoryFormatCode(format: MemoryFormat): number {
  const code = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (code === undefined) throw new TorchError(`unknown memory format '${String(format)}'`);
  return code;
}

export type Device = "cpu" | "cuda" | `cuda:${number}` | "meta";

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array;
