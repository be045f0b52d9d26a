import { fromTypedArray, type Tensor } from "@disback/torch";

/**
 * The bias's index for the distance between two tokens (Raffel et al. 2020, section 2.1): half of the buckets for each
 * direction, small distances one each, larger ones by their logarithm.
 * @returns int64 `[length, length]`, from the attending token to the attended one
 */
export function distanceBuckets(length: number, buckets: number, longest: number): Tensor {
  const values = new BigInt64Array(length * length);
  for (let from = 0; from < length; from++) {
    for (let to = 0; to < length; to++) {
      values[from * length + to] = BigInt(bucketOf(to - from, buckets, longest));
    }
  }
  return fromTypedArray(values, [length, length]);
}

function bucketOf(distance: number, buckets: number, longest: number): number {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const size = Math.abs(distance);
  const start = distance > 0 ? half : 0;
  if (size < exact) return start + size;
  // In float32, as in the original, because rounding decides the borders between buckets.
  const logarithm = Math.fround(Math.log(Math.fround(size / exact)));
  const share = Math.fround(logarithm / Math.fround(Math.log(longest / exact)));
  const beyond = exact + Math.trunc(Math.fround(share * (half - exact)));
  return start + Math.min(beyond, half - 1);
}
