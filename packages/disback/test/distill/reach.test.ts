import { describe, expect, it } from "vitest";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { measureReach } from "../../src/distill/reach.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

const teacher = new GaussianDenoiser([1, -1]);
const low = new LogNormal(-3, 0.6);

/**
 * The exact flow from level h takes a noised sample to `mu + (x - mu) s / sqrt(s^2 + h^2)`. Of a student at the point m, noised,
 * this has the offset `(m - mu) s / sqrt(s^2 + h^2)` and the variance `(d^2 + h^2) s^2 / (s^2 + h^2)`, d the student's own deviation. The teacher's loss
 * on such samples is `E[s^2 / (s^2 + sigma^2)] + E[sigma^2 / (s^2 + sigma^2)] E[(x - mu)^2] / s^2`, with `E[(x - mu)^2] = s^2` for its own.
 */
function exactRatio(offset: number, [mean, deviation]: [number, number], highest: number): number {
  const s2 = 0.25;
  const levels = Array.from({ length: 2001 }, (_, k) => Math.exp(mean + deviation * (k - 1000) * 0.004));
  const density = Array.from({ length: 2001 }, (_, k) => Math.exp(-(((k - 1000) * 0.004) ** 2) / 2));
  const total = density.reduce((sum, value) => sum + value, 0);
  const high =
    levels.reduce((sum, sigma, k) => sum + (density[k]! * sigma ** 2) / (s2 + sigma ** 2), 0) / total;
  // G(z) = (s^2 h z + h^2 m) / (s^2 + h^2) at sigmaInit 2.5
  const own = (s2 * 2.5) / (s2 + 6.25);
  const away = ((offset ** 2 + own ** 2 + highest ** 2) * s2) / (s2 + highest ** 2);
  return 1 - high + (high * away) / s2;
}

describe("whether the levels in use bridge the gap", () => {
  it.each<[string, [number, number], number]>([
    ["low levels, far off", [-3, 0.6], 2],
    ["low levels, near", [-3, 0.6], 0.5],
    ["EDM's levels, far off", [-1.2, 1.2], 2],
  ])("%s: as in the closed form", (_, levels, away) => {
    const at = (shift: number) => [1 - shift, -1 + shift];
    const student = gaussianStudent(at(away));
    const { highest, ratio } = measureReach({
      ...{ teacher, student, samples: 4096, levels: new LogNormal(...levels) },
    });
    expect(highest / Math.exp(levels[0] + 1.645 * levels[1])).toBeCloseTo(1, 1);
    // The student's point is not its samples' mean: G pulls towards its own mean by h^2 / (s^2 + h^2).
    const made = 6.25 / 6.5;
    const offset = 1 - made * (1 - away);
    // Twelve steps, and a few thousand samples.
    expect(Math.abs(ratio / exactRatio(offset, levels, highest) - 1)).toBeLessThan(0.08);
  });

  it("is large where low levels leave the student far off, and about 1 for EDM's", () => {
    const far = gaussianStudent([-3, 3]);
    expect(measureReach({ teacher, student: far, levels: low }).ratio).toBeGreaterThan(1.5);
    expect(measureReach({ teacher, student: gaussianStudent([-1, 1]) }).ratio).toBeLessThan(1.5);
  });

  it("is decided by the seed alone", () => {
    const once = (seed: number) => measureReach({ teacher, student: gaussianStudent([0, 0]), seed }).ratio;
    expect(once(5)).toBe(once(5));
    expect(once(5)).not.toBe(once(6));
  });
});
