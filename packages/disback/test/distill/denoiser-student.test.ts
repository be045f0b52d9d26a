import { Generator, ones, randn, type Tensor } from "@disback/torch";
import { expect, test } from "vitest";
import { DenoiserStudent, evenAngles } from "../../src/distill/denoiser-student.js";
import { GaussianDenoiser } from "./gaussian.js";

const student = (laterSigmas?: number[]) =>
  new DenoiserStudent(new GaussianDenoiser([1, -2]), {
    sigmaInit: 2.5,
    ...(laterSigmas ? { laterSigmas } : {}),
  });

/** What is left of x and of the mean in the estimate of data of variance 1/4. */
const kept = (sigma: number) => 0.25 / (0.25 + sigma ** 2);
const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

test("one step is the denoiser at sigmaInit", () => {
  const one = student();
  const z = one.latents(5, new Generator(1));
  expect(z.shape).toEqual([5, 2]);
  const mean = one.generate(z.mul(0));
  expect(difference(mean, one.generate(z).sub(z.mul(2.5 * kept(2.5))))).toBeLessThan(1e-6);
  expect(one.evaluations).toBe(1);
});

test("each further step adds noise of its level and takes it away again", () => {
  const three = student([0.8, 0.2]);
  const z = three.latents(5, new Generator(1));
  expect(z.shape).toEqual([5, 3, 2]);
  const mean = ones([5, 1]).mul(randn([1, 2]).mul(0).add(three.module.parameters()[0]!.detach()));
  // In closed form: deviations from the mean are multiplied by kept(sigma) after noise is added.
  let deviation = z.select(1, 0).mul(2.5).sub(mean).mul(kept(2.5));
  const first = deviation;
  for (const [index, sigma] of [0.8, 0.2].entries())
    deviation = deviation.add(z.select(1, index + 1).mul(sigma)).mul(kept(sigma));
  expect(difference(three.generate(z), deviation.add(mean))).toBeLessThan(1e-6);
  expect(difference(three.generate(z, undefined, 1), first.add(mean))).toBeLessThan(1e-6);
});

test("gradients pass through the last step alone", () => {
  const two = student([0.8]);
  const z = two.latents(4, new Generator(1));
  two.generate(z).sum().backward();
  // The estimate is kept(0.8) x + (1 - kept(0.8)) mean, and x is a constant here.
  for (const value of two.module.parameters()[0]!.grad!.toArray() as number[])
    expect(value).toBeCloseTo(4 * (1 - kept(0.8)), 5);
});

test("training goes to each step equally often, and draws nothing where there is one", () => {
  const random = new Generator(3);
  const before = random.getState();
  expect(student().drawSteps(random)).toBe(1);
  expect(random.getState()).toEqual(before);
  const four = student([1.2, 0.6, 0.1]);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 400; i++) counts[four.drawSteps(random) - 1]!++;
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(35);
});

test("noise levels are evenly spaced in the angle between data and noise", () => {
  expect(evenAngles(2.5, 1, 0.5)).toEqual([]);
  const levels = [2.5, ...evenAngles(2.5, 4, 0.5)].map((sigma) => Math.atan(sigma / 0.5));
  for (const [index, angle] of levels.entries()) expect(angle / levels[0]!).toBeCloseTo(1 - index / 4, 5);
});

test.each([[[2.5]], [[0.5, 0.5]], [[0.5, 0]], [[Number.NaN]]])("levels %s are refused", (levels) => {
  expect(() => student(levels)).toThrow(/noise levels must decrease/);
});
