import { Generator, Linear, randn, type Tensor, tensor } from "@disback/torch";
import { expect, test } from "vitest";
import type { Condition } from "../../src/models/condition.js";
import { GuidedDenoiser, guided } from "../../src/models/guided-denoiser.js";
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
  expect(new GuidedDenoiser(denoiser, 3).facts).toBe(denoiser.facts);
  expect(() => new GuidedDenoiser(denoiser, 3).denoise(x, sigma)).toThrow(/needs a condition/);
  expect(() => new GuidedDenoiser(denoiser, -1)).toThrow(/weight/);
});

test("a model is guided only where that is asked for, and only if it is a denoiser", () => {
  const teacher = new GaussianDenoiser([1, 1], { sigmaData: 0.7, classes: 3 });
  expect(guided(teacher, 1)).toBe(teacher);
  const twice = guided(teacher, 2);
  expect(twice).toBeInstanceOf(GuidedDenoiser);
  expect(twice.facts).toEqual({ sampleShape: [2], sigmaData: 0.7, condition: { class: [3] } });
  // Its weights stay the teacher's: nothing is saved, trained or released with it.
  expect([...twice.stateDict().keys()]).toEqual([]);
  twice.dispose();
  expect(teacher.point).toEqual([1, 1]);
  expect(() => guided(new Linear(1, 1), 2)).toThrow("guidance: this teacher is not a denoiser");
});

test("guidance knows the nearest noise level as its denoiser does", () => {
  const teacher = new GaussianDenoiser([1, 1]);
  expect(new GuidedDenoiser(teacher, 2).roundSigma(0.3)).toBe(0.3);
  const stepped = Object.assign(new GaussianDenoiser([1, 1]), { roundSigma: Math.round });
  expect(new GuidedDenoiser(stepped, 2).roundSigma(0.7)).toBe(1);
});
