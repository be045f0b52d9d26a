import { full, Generator, ones, randn, type Tensor, tensor, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser, type DenoiserConfigInput } from "../../src/models/config.js";
import type { IddpmDenoiser } from "../../src/models/preconditioning/iddpm.js";
import { readCases, relativeError } from "./fixtures.js";

const small = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 1,
  modelChannels: 8,
  channelMultipliers: [1],
  blocksPerResolution: 1,
  attentionResolutions: [],
} satisfies DenoiserConfigInput;

const create = (config: DenoiserConfigInput) =>
  createDenoiser(config, { generator: new Generator(3) }).eval();

describe("preconditioned denoisers", () => {
  it("know the range of noise levels they were made for", () => {
    const range = (config: Partial<DenoiserConfigInput>) => {
      const { sigmaMin, sigmaMax } = create({ ...small, ...config } as DenoiserConfigInput);
      return [sigmaMin, sigmaMax];
    };
    expect(range({})).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(range({ preconditioning: "ve" })).toEqual([0.02, 100]);
    const [lowest, highest] = range({ preconditioning: "vp" });
    expect(lowest).toBeCloseTo(0.0010005, 7);
    expect(highest).toBeCloseTo(Math.sqrt(Math.expm1(10.05)), 6);
  });

  it("iDDPM's noise levels are the original's also where they are differences of nearly equal numbers", () => {
    const { cases, value } = readCases("preconditionings");
    for (const of of cases.filter(({ name }) => name.startsWith("iddpm"))) {
      const { u } = create(of.config) as IddpmDenoiser;
      const levels = (t: Tensor) => t.slice(0, 0, -1).reciprocal();
      expect(relativeError(levels(u), levels(value(of, "buffer.u")!))).toBeLessThan(1e-6);
    }
  });

  it("iDDPM rounds to the nearest level", () => {
    const denoiser = create({ ...small, preconditioning: "iddpm" }) as IddpmDenoiser;
    const [first, second] = denoiser.u.data() as Float32Array as unknown as [number, number];
    expect(denoiser.sigmaMax).toBe(first);
    expect(denoiser.roundSigma(first * 0.99)).toBe(first);
    expect(denoiser.roundSigma(second * 1.01)).toBe(second);
    expect(denoiser.roundSigma(1e-9)).toBe(0);
  });

  it("take one noise level for a whole batch", () => {
    const denoiser = create(small);
    const x = randn([3, 1, 8, 8], { generator: new Generator(1) });
    const each = denoiser.denoise(x, full([3], 0.7));
    expect(relativeError(denoiser.denoise(x, full([1], 0.7)), each)).toBeLessThan(1e-6);
  });

  it("give the same in float64 with float64 weights", () => {
    const denoiser = create(small);
    const x = randn([2, 1, 8, 8], { generator: new Generator(1) });
    const sigma = tensor([0.2, 3]);
    const single = denoiser.denoise(x, sigma);
    const double = denoiser.to({ dtype: "float64" }).denoise(x.to("float64"), sigma);
    expect(double.dtype).toBe("float64");
    expect(relativeError(single, double)).toBeLessThan(1e-6);
  });

  it("take an absent condition as no class", () => {
    const denoiser = create({ ...small, labelDim: 4 });
    const x = randn([2, 1, 8, 8], { generator: new Generator(1) });
    const sigma = ones([2]);
    const none = denoiser.denoise(x, sigma, { class: zeros([2, 4]) });
    expect(relativeError(denoiser.denoise(x, sigma), none)).toBeLessThan(1e-6);
  });

  it("refuse conditions that do not fit", () => {
    const x = zeros([2, 1, 8, 8]);
    expect(() => create(small).denoise(x, ones([2]), { class: zeros([2, 3]) })).toThrow("has no classes");
    const conditional = create({ ...small, labelDim: 4 });
    expect(() => conditional.denoise(x, ones([2]), { class: zeros([2, 3]) })).toThrow(
      "expected class [2, 4], got [2, 3]",
    );
    expect(() => conditional.denoise(x, ones([2]), { class: zeros([3, 4]) })).toThrow(
      "expected class [2, 4], got [3, 4]",
    );
  });
});
