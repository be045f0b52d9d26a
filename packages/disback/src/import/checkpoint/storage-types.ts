import type { DType } from "@disback/torch";

/** Number formats: a storage's class and a dtype's name in PyTorch, ours, bytes, and NumPy's code. */
const formats: readonly [storage: string, dtype: DType, bytes: number, numpy?: string][] = [
  ["FloatStorage", "float32", 4, "f4"],
  ["DoubleStorage", "float64", 8, "f8"],
  ["HalfStorage", "float16", 2, "f2"],
  ["BFloat16Storage", "bfloat16", 2],
  ["LongStorage", "int64", 8, "i8"],
  ["IntStorage", "int32", 4, "i4"],
  ["ShortStorage", "int16", 2, "i2"],
  ["CharStorage", "int8", 1, "i1"],
  ["ByteStorage", "uint8", 1, "u1"],
  ["BoolStorage", "bool", 1, "b1"],
];

export interface NumberFormat {
  dtype: DType;
  /** per number */
  bytes: number;
}

const byStorage = new Map<string, NumberFormat>();
const byNumpyCode = new Map<string, NumberFormat>();
for (const [storage, dtype, bytes, numpy] of formats) {
  byStorage.set(`torch.${storage}`, { dtype, bytes });
  byStorage.set(`torch.cuda.${storage}`, { dtype, bytes });
  if (numpy) byNumpyCode.set(numpy, { dtype, bytes });
}

/** The numbers in a storage of PyTorch, by its class: `torch.FloatStorage`. */
export const formatOfStorage = (name: string): NumberFormat | undefined => byStorage.get(name);

/** The numbers in a NumPy array, by its code: `f4`. */
export const formatOfNumpy = (code: string): NumberFormat | undefined => byNumpyCode.get(code);

/** Whether a name is one of PyTorch's dtypes: `torch.float32`. */
export const isDtypeName = (name: string): boolean => formats.some(([, dtype]) => name === `torch.${dtype}`);
