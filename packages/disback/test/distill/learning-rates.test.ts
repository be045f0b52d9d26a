import { expect, test } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DirectDistillation } from "../../src/distill/direct-distillation.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { teacherPairs } from "../../src/distill/teacher-pairs.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

const settings = {
  batchSize: 16,
  studentLearningRate: 0.1,
  auxiliaryLearningRate: 0.2,
  iterations: 8,
  rampUp: 2,
  decay: "cosine" as const,
  decayFrom: 4,
  execution: { seed: 4 },
};
/** Half a cosine from step 4 to step 8, after two steps of ramp-up. */
const factors = [0.5, 1, 1, 1, 1, (2 + Math.SQRT2) / 4, 0.5, (2 - Math.SQRT2) / 4];

const teacher = () => new GaussianDenoiser([1, -1]);
const backtracking = () =>
  new Backtracking({ ...settings, teacher: teacher(), student: gaussianStudent([-1, 0.5]) });
const direct = () => {
  const student = gaussianStudent([-1, 0.5]);
  const pairs = teacherPairs(teacher(), student, { count: 32, steps: 4, seed: 1 });
  return new DirectDistillation({
    ...{ ...settings, teacher: teacher(), student },
    objective: new Regression({ pairs }),
  });
};

for (const [name, make] of [
  ["backtracking", backtracking],
  ["a direct loss", direct],
] as const) {
  test(`learning rates of ${name} rise, and fall to 0 at the end`, () => {
    const work = make();
    const rates = factors.map(() => work.step().learningRate);
    for (const [step, factor] of factors.entries()) expect(rates[step]).toBeCloseTo(0.1 * factor, 12);
  });

  test(`${name} goes on with its learning rates after an interruption and a rollback, bit for bit`, () => {
    const first = make();
    for (let step = 0; step < 3; step++) first.step();
    first.scaleLearningRate(0.5);
    const second = make();
    second.loadState(first.state());
    for (let step = 3; step < 8; step++) {
      const figures = second.step();
      expect(figures).toEqual(first.step());
      expect(figures.learningRate).toBeCloseTo(0.05 * factors[step]!, 12);
    }
    expect(sampleMean(second.average)).toEqual(sampleMean(first.average));
  });
}

test("a rollback's factor is found in states from before there was a schedule", () => {
  const first = backtracking();
  first.step();
  first.scaleLearningRate(0.5);
  first.step();
  const { tensors, values } = first.state();
  const { rateScale, ...older } = values;
  expect(rateScale).toBe(0.5);
  const second = new Backtracking({
    ...{ ...settings, rampUp: 0, decay: "constant" },
    ...{ teacher: teacher(), student: gaussianStudent([-1, 0.5]) },
  });
  second.loadState({ tensors, values: older });
  expect(second.step().learningRate).toBeCloseTo(0.05, 12);
});
