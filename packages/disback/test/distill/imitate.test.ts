import { expect, test } from "vitest";
import { Imitation, imitate } from "../../src/distill/imitate.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

// With one deviation s for all, student and teacher differ by w (mu_student - mu_teacher) whatever the latent,
// w = sigma^2 / (s^2 + sigma^2), s = 0.5, sigma = 2.5.
const weight = 2.5 ** 2 / (0.5 ** 2 + 2.5 ** 2);

test("the loss is the mean squared difference to the teacher's network run in the student's place", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const imitation = new Imitation({ teacher, student: gaussianStudent([3, 0]) });
  expect(imitation.step().loss).toBeCloseTo((weight ** 2 * (2 ** 2 + 1 ** 2)) / 2, 4);
});

test("the student comes to answer as the teacher does; the teacher stays", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const student = gaussianStudent([3, 0]);
  imitate({ teacher, student, steps: 150, batchSize: 4, learningRate: 0.05 });
  const { point } = student.module as GaussianDenoiser;
  expect(Math.abs(point[0]! - 1)).toBeLessThan(0.05);
  expect(Math.abs(point[1]! + 1)).toBeLessThan(0.05);
  expect(teacher.point).toEqual([1, -1]);
});

test("it ends by itself when the mean difference is a small part of the answers' variance", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const run = (tolerance: number) => {
    const student = gaussianStudent([3, 0]);
    const imitation = new Imitation({
      teacher,
      student,
      steps: 150,
      batchSize: 4,
      learningRate: 0.05,
      tolerance,
    });
    const losses: number[] = [];
    while (!imitation.finished) losses.push(imitation.step().loss);
    return losses;
  };
  const losses = run(3);
  // The teacher answers mu w + x (1 - w): their variance is known, and the class estimates it. The moving average of the
  // last steps, about ten, has just come below three times of it.
  const enough = 3 * ((1 - weight) * 2.5) ** 2;
  const averages = losses.map((_, end) => {
    const weighted = losses.slice(0, end + 1).map((loss, step) => [loss, 0.9 ** (end - step)] as const);
    return (
      weighted.reduce((sum, [loss, by]) => sum + loss * by, 0) / weighted.reduce((sum, [, by]) => sum + by, 0)
    );
  });
  expect(losses.length).toBeLessThan(150);
  expect(averages.at(-1)).toBeLessThan(1.4 * enough);
  expect(averages.at(-2)).toBeGreaterThan(0.6 * enough);
  expect(run(0).length).toBe(150);
  expect(run(1000).length).toBe(10);
});

test("saved and restored, it goes on bit for bit", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const [whole, half, rest] = [0, 1, 2].map(() => gaussianStudent([3, 0])) as [
    ReturnType<typeof gaussianStudent>,
    ReturnType<typeof gaussianStudent>,
    ReturnType<typeof gaussianStudent>,
  ];
  const options = { teacher, steps: 6, batchSize: 4, execution: { seed: 3 }, tolerance: 1e-3 };
  imitate({ ...options, student: whole });
  const first = new Imitation({ ...options, student: half });
  for (let step = 0; step < 3; step++) first.step();
  const second = new Imitation({ ...options, student: rest });
  second.loadState(first.state());
  while (!second.finished) second.step();
  expect((rest.module as GaussianDenoiser).point).toEqual((whole.module as GaussianDenoiser).point);
});

test("settings out of their range are refused by name", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  expect(() => new Imitation({ teacher, student: gaussianStudent([0, 0]), steps: 0 })).toThrow('"steps"');
});
