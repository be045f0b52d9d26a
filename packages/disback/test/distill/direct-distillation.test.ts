import { describe, expect, test } from "vitest";
import { DirectDistillation, distillDirectly } from "../../src/distill/direct-distillation.js";
import type { DirectObjective } from "../../src/distill/direct-objective.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { Consistency } from "../../src/distill/objectives/consistency.js";
import { Ect } from "../../src/distill/objectives/ect.js";
import { Ladd } from "../../src/distill/objectives/ladd.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { Scm } from "../../src/distill/objectives/scm.js";
import { Tcm } from "../../src/distill/objectives/tcm.js";
import { gaussianStudent, sampleMean } from "./gaussian.js";
import { farFromTeacher, fewStepStudent, realSamples, teacher } from "./towards-teacher.js";

const directObjectives: [string, () => DirectObjective][] = [
  ["regression", () => new Regression({ pairs: { count: 64, steps: 6 } })],
  ["consistency", () => new Consistency({ pairs: { count: 64, steps: 6 }, levels: 6, targetDecay: 0.5 })],
  ["consistency on data", () => new Consistency({ data: realSamples(), levels: 6, targetDecay: 0.5 })],
  ["ect", () => new Ect({ data: realSamples(), stageSteps: 3 })],
  ["ect on the teacher's samples", () => new Ect({ pairs: { count: 64, steps: 6 }, stageSteps: 40 })],
  ["tcm", () => new Tcm({ data: realSamples(), stageSteps: 10, firstSteps: 60 })],
  ["scm", () => new Scm({ data: realSamples(), warmupSteps: 6 })],
  ["scm with a learned weight", () => new Scm({ data: realSamples(), warmupSteps: 6, learnedWeight: true })],
  ["scm on data", () => new Scm({ data: realSamples(), velocity: "data", derivative: "difference" })],
  ["ladd", () => new Ladd({ real: realSamples(), discriminatorNoise: new LogNormal(), r1Weight: 1 })],
];

describe.each(directObjectives)("%s", (_, objective) => {
  const direct = {
    teacher: teacher(),
    batchSize: 64,
    studentLearningRate: 0.1,
    auxiliaryLearningRate: 0.05,
    emaDecay: 0.9,
    execution: { seed: 4 },
  };

  test.each([
    ["one step", gaussianStudent],
    ["three steps", fewStepStudent],
  ])("brings a student of %s to the teacher", (_, student) => {
    const options = { ...direct, objective: objective(), student: student([-1, 0.5]), iterations: 120 };
    expect(farFromTeacher(distillDirectly(options))).toBeLessThan(0.3);
  });

  test("ends the same when it was interrupted", () => {
    const make = () =>
      new DirectDistillation({
        ...direct,
        objective: objective(),
        student: fewStepStudent([-1, 0.5]),
        iterations: 9,
      });
    const whole = make();
    while (!whole.finished) whole.step();
    const first = make();
    for (let i = 0; i < 4; i++) first.step();
    const second = make();
    second.loadState(first.state());
    while (!second.finished) second.step();
    expect(sampleMean(second.average)).toEqual(sampleMean(whole.average));
  });
});
