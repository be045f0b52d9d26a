import { expect, test } from "vitest";
import { trajectoryNeed } from "../../src/distill/trajectory-need.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

// The teacher's loss on a sample x, per element and noise level, is
//   lambda ((s^2 / (s^2 + sigma^2))^2 sigma^2 + (sigma^2 / (s^2 + sigma^2))^2 (x - mu)^2),  lambda = (s^2 + sigma^2) / (s sigma)^2
// = s^2 / (s^2 + sigma^2) + sigma^2 / (s^2 + sigma^2) ((x - mu) / s)^2:
// below 1 for samples within one deviation of the mean, above 1 for samples beyond.
const teacher = new GaussianDenoiser([1, -1]);

test("a student whose samples lie in the teacher's range needs no trajectory", () => {
  const { loss, needed } = trajectoryNeed({ teacher, generator: gaussianStudent([1, -1]) });
  expect(loss).toBeLessThan(1);
  expect(needed).toBe(false);
});

test("a student whose samples are far off needs one", () => {
  const { loss, needed } = trajectoryNeed({ teacher, generator: gaussianStudent([-1, 1]) });
  expect(loss).toBeGreaterThan(3);
  expect(needed).toBe(true);
});

test("the seed alone decides", () => {
  const once = () => trajectoryNeed({ teacher, generator: gaussianStudent([0, 0]), seed: 5 }).loss;
  expect(once()).toBe(once());
});

test("the teacher's copy needs none, however large the loss", () => {
  const student = gaussianStudent([1, -1]);
  const measure = (mean: number[]) =>
    trajectoryNeed({ teacher: new GaussianDenoiser(mean), generator: student, sigmaData: 0.05 });
  expect(measure([1, -1])).toMatchObject({ copy: true, needed: false });
  expect(measure([1, -1]).loss).toBeGreaterThan(1);
  expect(measure([1, -1.01])).toMatchObject({ copy: false, needed: true });
});
