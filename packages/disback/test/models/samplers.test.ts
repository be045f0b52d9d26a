import {
  Generator,
  inferenceMode,
  memoryStatistics,
  ones,
  randn,
  resetPeakMemory,
  scope,
  type Tensor,
} from "@disback/torch";
import { describe, expect, it } from "vitest";
import { classCondition } from "../../src/models/condition.js";
import { createDenoiser } from "../../src/models/config.js";
import type { Denoiser } from "../../src/models/denoiser.js";
import {
  CountingDenoiser,
  ddim,
  euler,
  heun,
  type SamplingProgress,
  sigmaSchedule,
} from "../../src/models/samplers.js";
import { type Case, fill, readCases, relativeError } from "./fixtures.js";

const spread = 0.5;
const factor = (sigma: number) => spread ** 2 / (spread ** 2 + sigma ** 2);

/** The exact denoiser of a normal distribution with mean 0 and standard deviation `spread`. */
const gaussian: Denoiser = {
  facts: { sampleShape: [2], sigmaData: spread, condition: {} },
  denoise: (x: Tensor, sigma: Tensor) =>
    x.mul(
      sigma
        .square()
        .add(spread ** 2)
        .reciprocal()
        .mul(spread ** 2)
        .unsqueeze(1),
    ),
};

const latents = () => randn([4, 2], { generator: new Generator(5), dtype: "float64" });

describe("heun beside the original", () => {
  const { cases, value } = readCases("samplers");
  it.each(cases)("$name", (of: Case) => {
    const denoiser = createDenoiser(of.config, { generator: new Generator(0) }).eval();
    fill(denoiser, of.seed);
    const { num_steps, sigma_min, sigma_max, ...churn } = of.options;
    const samples = heun(denoiser, value(of, "latents")!, {
      ...churn,
      steps: num_steps,
      sigmaMin: sigma_min,
      sigmaMax: sigma_max,
      condition: classCondition(value(of, "labels")),
      generator: new Generator(of.seed),
    });
    expect(relativeError(samples, value(of, "samples")!)).toBeLessThan(1e-5);
  });
});

describe("samplers", () => {
  it("take noise levels evenly spaced in sigma^(1/rho), then 0", () => {
    const levels = sigmaSchedule({ steps: 3, sigmaMin: 1, sigmaMax: 27, rho: 3 });
    expect(levels.map((level) => Number(level.toFixed(9)))).toEqual([27, 8, 1, 0]);
    expect(sigmaSchedule({ steps: 1, sigmaMax: 5 })).toEqual([expect.closeTo(5, 12), 0]);
  });

  it("name the option that is out of range", () => {
    expect(() => sigmaSchedule({ steps: 0 })).toThrow("steps: expected a whole number >= 1, got 0");
    expect(() => sigmaSchedule({ sigmaMin: 2, sigmaMax: 1 })).toThrow("sigmaMin: 2 is not below sigmaMax, 1");
    expect(() => sigmaSchedule({ rho: 0 })).toThrow("rho: expected a number > 0");
  });

  it.each([
    ["ddim", ddim],
    ["euler", euler],
  ])("%s multiplies normal data by the product of its steps' factors", (_name, sampler) => {
    const levels = sigmaSchedule({ steps: 7 });
    const product = levels.slice(1).reduce((value, next, index) => {
      const kept = factor(levels[index]!);
      return value * (kept + (next / levels[index]!) * (1 - kept));
    }, levels[0]!);
    const samples = sampler(gaussian, latents(), { steps: 7 });
    expect(relativeError(samples, latents().mul(product))).toBeLessThan(1e-12);
  });

  it("heun approaches the exact solution with the square of the step", () => {
    // dx/dsigma = x sigma / (sigma^2 + spread^2), from sigmaMax to 0
    const exact = latents().mul((80 * spread) / Math.sqrt(80 ** 2 + spread ** 2));
    const [coarse, fine] = [64, 128].map((steps) =>
      relativeError(heun(gaussian, latents(), { steps }), exact),
    );
    expect(fine).toBeLessThan(2e-3);
    expect(coarse! / fine!).toBeGreaterThan(3);
  });

  it("count evaluations and report progress", () => {
    const counted = new CountingDenoiser(gaussian);
    const seen: SamplingProgress[] = [];
    heun(counted, latents(), { steps: 5, onStep: (progress) => seen.push(progress) });
    expect(counted.evaluations).toBe(9);
    expect(seen.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.at(-1)).toEqual({ step: 5, steps: 5, sigma: 0, evaluations: 9 });
    counted.evaluations = 0;
    euler(counted, latents(), { steps: 5 });
    ddim(counted, latents(), { steps: 5 });
    expect(counted.evaluations).toBe(10);
  });

  it("stop when the callback throws", () => {
    const stop = () => {
      throw new Error("enough");
    };
    expect(() => euler(gaussian, latents(), { onStep: stop })).toThrow("enough");
  });

  it("repeat with the same generator's seed and differ with another's", () => {
    const sample = (seed: number) =>
      heun(gaussian, latents(), { steps: 4, S_churn: 10, generator: new Generator(seed) });
    expect(relativeError(sample(1), sample(1))).toBe(0);
    expect(relativeError(sample(1), sample(2))).toBeGreaterThan(1e-3);
  });

  it("give samples that gradients may pass by", () => {
    const samples = heun(gaussian, latents(), { steps: 2 });
    const weight = ones([4, 2], { dtype: "float64" }).requiresGrad_();
    weight.mul(samples).sum().backward();
    expect(relativeError(weight.grad!, samples)).toBe(0);
  });

  it("need no more memory for more steps, and leave only their samples", () => {
    const denoiser = createDenoiser(
      {
        network: "song-unet",
        imageResolution: 16,
        imageChannels: 1,
        modelChannels: 8,
        blocksPerResolution: 1,
      },
      { generator: new Generator(0) },
    ).eval();
    const peak = (steps: number) => {
      resetPeakMemory();
      const before = memoryStatistics();
      scope(() => {
        heun(denoiser, randn([8, 1, 16, 16], { generator: new Generator(1) }), { steps, S_churn: 5 });
        expect(memoryStatistics().tensors).toBe(before.tensors + 2);
      });
      expect(memoryStatistics().tensors).toBe(before.tensors);
      return memoryStatistics().peak - before.live;
    };
    peak(2);
    expect(peak(6)).toBeLessThan(1.02 * peak(2));
  });

  it("work inside inference mode", () => {
    const samples = inferenceMode(() => ddim(gaussian, latents(), { steps: 2 }).sum().item());
    expect(Number.isFinite(samples)).toBe(true);
  });
});
