import {
  constant,
  constantDecay,
  cosine,
  gammaFromWidth,
  halfLifeDecay,
  inverseSqrt,
  linearWarmup,
  powerDecay,
  product,
  widthFromGamma,
} from "@disback/torch";
import { describe, expect, test } from "vitest";

describe("learning-rate schedules", () => {
  test("constant and warm-up", () => {
    expect(constant()(7)).toBe(1);
    expect([0, 5, 10, 99].map(linearWarmup(10))).toEqual([0, 0.5, 1, 1]);
    expect(linearWarmup(0)(0)).toBe(1);
  });

  test("cosine falls to its floor and stays", () => {
    const schedule = cosine(100, 0.1);
    expect(schedule(0)).toBe(1);
    expect(schedule(50)).toBeCloseTo(0.55);
    expect(schedule(100)).toBeCloseTo(0.1);
    expect(schedule(500)).toBeCloseTo(0.1);
  });

  test("inverse square root, and products", () => {
    const schedule = inverseSqrt(100);
    expect([0, 100, 400].map(schedule)).toEqual([1, 1, 0.5]);
    expect(product(linearWarmup(800), schedule)(400)).toBe(0.25);
  });
});

describe("decays of averages", () => {
  test("half of the past is left after the half-life; EDM's ramp-up forgets the start", () => {
    expect(constantDecay(0.9)({ batchSize: 3, images: 9 })).toBe(0.9);
    expect(halfLifeDecay(100)({ batchSize: 100, images: 100 })).toBe(0.5);
    expect(halfLifeDecay(100, 0.05)({ batchSize: 8, images: 8 })).toBe(0);
    expect(halfLifeDecay(100, 0.05)({ batchSize: 10, images: 210 })).toBe(0.5);
    expect(halfLifeDecay(100, 0.05)({ batchSize: 100, images: 1e6 })).toBe(0.5);
  });

  test("power function: the first update copies; widths are those of EDM2", () => {
    expect(powerDecay(6)({ batchSize: 8, images: 8 })).toBe(0);
    expect(powerDecay(1)({ batchSize: 1, images: 2 })).toBe(0.25);
    expect(gammaFromWidth(0.05)).toBeCloseTo(16.97, 2);
    expect(gammaFromWidth(0.1)).toBeCloseTo(6.94, 2);
    expect(widthFromGamma(gammaFromWidth(0.2))).toBeCloseTo(0.2, 12);
    expect(() => gammaFromWidth(0.5)).toThrow("width must be in (0, 0.289]");
  });
});
