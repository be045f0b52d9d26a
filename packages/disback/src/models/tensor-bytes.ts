import type { DType } from "@disback/torch";

/** Bytes that a tensor's numbers take. */
export function bytesOf({ numel, dtype }: { numel: number; dtype: DType }): number {
  return numel * (BYTES[dtype] ?? 4);
}

const BYTES: Partial<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  float16: 2,
  bfloat16: 2,
  uint8: 1,
  bool: 1,
};
