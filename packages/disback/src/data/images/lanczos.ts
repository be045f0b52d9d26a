/** Weights for one output position: `weights[k]` belongs to input position `start + k`. */
interface Taps {
  start: number;
  weights: Float64Array;
}

const lobes = 3;
/** Weights are rounded to this fraction and sums to bytes after each pass, as Pillow does: the same images come out. */
const precision = 2 ** 22;

function kernel(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  const angle = Math.PI * x;
  return (lobes * Math.sin(angle) * Math.sin(angle / lobes)) / (angle * angle);
}

/** The kernel is stretched when making smaller, so that no input is skipped. */
function tapsFor(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = lobes * stretch;
  return Array.from({ length: to }, (_, position) => {
    const center = (position + 0.5) * scale;
    const start = Math.max(0, Math.floor(center - support + 0.5));
    const end = Math.min(from, Math.floor(center + support + 0.5));
    const weights = Float64Array.from({ length: end - start }, (_, tap) =>
      kernel((start + tap - center + 0.5) / stretch),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return {
      start,
      weights: weights.map((weight) => Math.trunc((weight / total) * precision + 0.5 * Math.sign(weight))),
    };
  });
}

/** Resamples along one axis: `[outer, from, inner]` to `[outer, to, inner]`. */
function resample(data: Uint8Array, outer: number, from: number, inner: number, to: number): Uint8Array {
  const taps = tapsFor(from, to);
  const result = new Uint8ClampedArray(outer * to * inner);
  for (let row = 0; row < outer; row++)
    for (let position = 0; position < to; position++) {
      const { start, weights } = taps[position]!;
      const source = (row * from + start) * inner;
      const target = (row * to + position) * inner;
      for (let offset = 0; offset < inner; offset++) {
        let sum = precision / 2;
        for (let tap = 0; tap < weights.length; tap++)
          sum += weights[tap]! * data[source + tap * inner + offset]!;
        result[target + offset] = Math.floor(sum / precision);
      }
    }
  return new Uint8Array(result.buffer);
}

/**
 * Lanczos-3 resampling of a square image of bytes, columns first.
 * @param data `[from, from, channels]`
 * @returns `[to, to, channels]`
 */
export function lanczosResample(data: Uint8Array, from: number, to: number, channels: number): Uint8Array {
  const narrowed = resample(data, from, from, channels, to);
  return resample(narrowed, 1, from, to * channels, to);
}
