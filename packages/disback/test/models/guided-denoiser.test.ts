import { Generator, randn, type Tensor, tensor } from "@disback/torch";
import { expect, test } from "vitest";
import type { Condition } from "../../src/models/condition.js";
import { GuidedDenoiser } from "../../src/models/guided-denoiser.js";
import { GaussianDenoiser } from "../distill/gaussian.js";

test("guidance: the convention, and what it needs", () => {
  const x = randn([3, 2], { generator: new Generator(1) });
  const sigma = tensor([0.5, 1, 2]);
  const condition = { class: tensor([[1], [1], [1]]) };
  const towards = new GaussianDenoiser([1, 1]);
  const from = new GaussianDenoiser([0, 0]);
  const denoiser = {
    facts: { ...towards.facts, condition: { class: [1] } },
    sigmaMax: 80,
    denoise: (at: Tensor, level: Tensor, told?: Condition) => (told ? towards : from).denoise(at, level),
  };
  const far = new GuidedDenoiser(denoiser, 3).denoise(x, sigma, condition);
  const expected = new GaussianDenoiser([3, 3]).denoise(x, sigma);
  expect(far.sub(expected).abs().max().item()).toBeLessThan(1e-5);
  expect(new GuidedDenoiser(denoiser, 1).denoise(x, sigma, condition).data()).toEqual(
    towards.denoise(x, sigma).data(),
  );
  expect(new GuidedDenoiser(denoiser, 1).sigmaMax).toBe(80);
  expect(() => new GuidedDenoiser(denoiser, 3).denoise(x, sigma)).toThrow(/needs a condition/);
  expect(() => new GuidedDenoiser(denoiser, -1)).toThrow(/weight/);
});
