/** Weights for one output position: `weights[k]` belongs to input position `start + k`. */
interface Taps {
  start: number;
  weights: Float64Array;
}

/** How far a filter reaches, in input positions, and its weight at a distance. */
interface Filter {
  reach: number;
  weight(distance: number): number;
}

const filters = {
  lanczos: { reach: 3, weight: (x) => lanczos(x, 3) },
  bicubic: { reach: 2, weight: (x) => cubic(Math.abs(x), -0.5) },
} satisfies Readonly<Record<string, Filter>>;

/** Weights are rounded to this fraction and sums to bytes after each pass, as Pillow does: the same images come out. */
const precision = 2 ** 22;

function lanczos(x: number, lobes: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  const angle = Math.PI * x;
  return (lobes * Math.sin(angle) * Math.sin(angle / lobes)) / (angle * angle);
}

/** Keys 1981. */
function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

/** The kernel is stretched when making smaller, so that no input is skipped. */
function tapsFor(from: number, to: number, { reach, weight }: Filter): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  return Array.from({ length: to }, (_, position) => {
    const center = (position + 0.5) * scale;
    const start = Math.max(0, Math.floor(center - support + 0.5));
    const end = Math.min(from, Math.floor(center + support + 0.5));
    const weights = Float64Array.from({ length: end - start }, (_, tap) =>
      weight((start + tap - center + 0.5) / stretch),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return {
      start,
      weights: weights.map((weight) => Math.trunc((weight / total) * precision + 0.5 * Math.sign(weight))),
    };
  });
}

/** Resamples along one axis: `[outer, from, inner]` to `[outer, to, inner]`. */
function resample(
  data: Uint8Array,
  [outer, from, inner]: readonly [number, number, number],
  to: number,
  filter: Filter,
): Uint8Array {
  const taps = tapsFor(from, to, filter);
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
 * Resamples a square image of bytes as Pillow does, columns first.
 * @param data `[from, from, channels]`
 * @returns `[to, to, channels]`
 */
export function pillowResample(
  data: Uint8Array,
  [from, to, channels]: readonly [from: number, to: number, channels: number],
  filter: keyof typeof filters,
): Uint8Array {
  const narrowed = resample(data, [from, from, channels], to, filters[filter]);
  return resample(narrowed, [1, from, to * channels], to, filters[filter]);
}
