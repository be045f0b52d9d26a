import { fromTypedArray, ones, randn, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { frechetDistance } from "../../src/metrics/frechet-distance.js";
import { inceptionScore } from "../../src/metrics/inception-score.js";
import { kid } from "../../src/metrics/kernel-distance.js";
import { modeCoverage } from "../../src/metrics/mode-coverage.js";
import { precisionRecall } from "../../src/metrics/precision-recall.js";
import { slicedWasserstein } from "../../src/metrics/sliced-wasserstein.js";
import { StatisticsAccumulator } from "../../src/metrics/statistics.js";
import { fixture } from "./fixture.js";

const get = fixture("metrics.safetensors");
const values = (key: string) => get(key).data() as Float64Array;

function statisticsOf(key: string, batchSize: number) {
  using accumulator = new StatisticsAccumulator(get(key).shape[1]!);
  const rows = get(key);
  for (let start = 0; start < rows.shape[0]!; start += batchSize) {
    accumulator.add(rows.narrow(0, start, Math.min(batchSize, rows.shape[0]! - start)));
  }
  return accumulator.result();
}

/** Largest difference of two arrays relative to the largest expected value. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let scale = 0;
  for (let index = 0; index < expected.length; index++) {
    difference = Math.max(difference, Math.abs(actual[index]! - expected[index]!));
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  return difference / scale;
}

describe("statistics", () => {
  it("are numpy's mean and covariance, whatever the batches", () => {
    for (const batchSize of [1, 37, 400]) {
      const { mean, covariance, count } = statisticsOf("real", batchSize);
      expect(count).toBe(400);
      expect(relativeError(mean.data() as Float64Array, values("real_mean"))).toBeLessThan(1e-12);
      expect(relativeError(covariance.data() as Float64Array, values("real_covariance"))).toBeLessThan(1e-12);
    }
  });

  it("do not cancel far from the origin", () => {
    using accumulator = new StatisticsAccumulator(1);
    accumulator.add(fromTypedArray(Float64Array.from([1e9, 1e9 + 1]), [2, 1]));
    accumulator.add(fromTypedArray(Float64Array.from([1e9 + 2]), [1, 1]));
    expect(accumulator.result().covariance.item()).toBeCloseTo(1, 6);
  });

  it("refuse too few, wrong or broken features", () => {
    using accumulator = new StatisticsAccumulator(2);
    accumulator.add(zeros([1, 2]));
    expect(() => accumulator.result()).toThrow(/at least 2/);
    expect(() => accumulator.add(zeros([4, 3]))).toThrow("[N, 2], got [4, 3]");
    accumulator.add(ones([1, 2]).div(0));
    expect(() => accumulator.result()).toThrow(/NaN or infinite/);
  });
});

describe("frechetDistance", () => {
  it("is scipy's", () => {
    const distance = frechetDistance(statisticsOf("real", 64), statisticsOf("fake", 64));
    expect(distance / values("frechet")[0]!).toBeCloseTo(1, 10);
  });

  it("holds with fewer samples than features", () => {
    const distance = frechetDistance(statisticsOf("narrow_a", 64), statisticsOf("narrow_b", 64));
    expect(distance / values("narrow_frechet")[0]!).toBeCloseTo(1, 6);
  });

  it("is 0 for equal statistics, and refuses different widths", () => {
    const real = statisticsOf("real", 64);
    expect(frechetDistance(real, real)).toBeLessThan(1e-9);
    expect(() => frechetDistance(real, statisticsOf("narrow_a", 64))).toThrow(/8 and 24 features/);
  });
});

describe("kid", () => {
  it("is the unbiased estimate over all pairs", () => {
    const part = (key: string) => get(key).narrow(0, 0, 60);
    // One subset of everything: the order that randperm gives does not matter.
    const { mean } = kid(part("real"), part("fake"), { subsets: 1 });
    expect(mean / values("kid_whole")[0]!).toBeCloseTo(1, 10);
  });

  it("draws PyTorch's subsets", () => {
    const { mean, deviation } = kid(get("real"), get("fake"), { subsets: 4, subsetSize: 50, seed: 3 });
    expect(mean / values("kid_subsets")[0]!).toBeCloseTo(1, 10);
    expect(deviation / values("kid_subsets")[1]!).toBeCloseTo(1, 10);
  });

  it("refuses a single sample and other widths", () => {
    expect(() => kid(zeros([1, 4]), zeros([9, 4]))).toThrow(/at least 2/);
    expect(() => kid(zeros([9, 3]), zeros([9, 4]))).toThrow(/different extractors/);
  });
});

describe("inceptionScore", () => {
  it("is scipy's, over unequal splits and with zero probabilities", () => {
    const { mean, deviation } = inceptionScore(get("probabilities"), 5);
    expect(mean).toBeCloseTo(values("inception_score")[0]!, 6);
    expect(deviation).toBeCloseTo(values("inception_score")[1]!, 6);
  });

  it("refuses fewer samples than splits", () => {
    expect(() => inceptionScore(ones([4, 2]).div(2))).toThrow(/10 splits/);
  });
});

describe("precisionRecall", () => {
  it("is that of a full distance table", () => {
    const { precision, recall } = precisionRecall(get("real"), get("fake"), 3);
    expect(precision).toBeCloseTo(values("precision_recall")[0]!, 12);
    expect(recall).toBeCloseTo(values("precision_recall")[1]!, 12);
  });

  it("works in blocks", () => {
    const points = randn([700, 3]);
    expect(precisionRecall(points, points)).toEqual({ precision: 1, recall: 1 });
    expect(precisionRecall(points, points.add(1000))).toEqual({ precision: 0, recall: 0 });
    expect(() => precisionRecall(points, points.narrow(0, 0, 3))).toThrow(/more than 3/);
  });
});

describe("slicedWasserstein", () => {
  it("is scipy's for order 1, with sets of different sizes", () => {
    const distance = slicedWasserstein(get("plane_a"), get("plane_b"), {
      projections: 32,
      order: 1,
      seed: 11,
    });
    expect(distance / values("sliced_1")[0]!).toBeCloseTo(1, 10);
  });

  it("is the distance of sorted projections for order 2", () => {
    const a = get("plane_a").narrow(0, 0, 75);
    const distance = slicedWasserstein(a, get("plane_b"), { projections: 32, seed: 11 });
    expect(distance / values("sliced_2")[0]!).toBeCloseTo(1, 10);
  });

  it("refuses what is no set of points", () => {
    expect(() => slicedWasserstein(zeros([3, 2]), zeros([3, 3]))).toThrow("got [3, 2] and [3, 3]");
  });
});

describe("modeCoverage", () => {
  it("counts modes found and samples near a mode", () => {
    const centers = get("mode_centers").toArray() as number[][];
    const { coverage, highQuality } = modeCoverage(get("mode_samples"), { centers, deviation: 0.05 });
    expect(coverage).toBeCloseTo(values("mode_coverage")[0]!, 12);
    expect(highQuality).toBeCloseTo(values("mode_coverage")[1]!, 12);
  });
});
