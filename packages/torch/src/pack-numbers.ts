import type { DType, TypedArray } from "./dtype.js";

/** Numbers in an array type from which a tensor of `dtype` is made without loss. */
export function packNumbers(values: readonly number[], dtype: DType): TypedArray {
  if (dtype === "int64") return BigInt64Array.from(values, (value) => BigInt(Math.trunc(value)));
  if (dtype === "float32" || dtype === "float16" || dtype === "bfloat16") return Float32Array.from(values);
  if (dtype === "bool") return Uint8Array.from(values, (value) => (value ? 1 : 0));
  return Float64Array.from(values);
}
