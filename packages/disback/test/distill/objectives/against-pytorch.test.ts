import { backward } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { adaptersOn } from "../../../src/distill/adapter-nodes.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { Consistency } from "../../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { Regression } from "../../../src/distill/objectives/regression.js";
import { Sid } from "../../../src/distill/objectives/sid.js";
import { Vsd } from "../../../src/distill/objectives/vsd.js";
import { sampleDistances } from "../../../src/distill/sample-distance.js";
import { weightings } from "../../../src/distill/weighting.js";
import {
  difference,
  expectAuxiliary,
  expectDirect,
  expectGradients,
  given,
  realSamples,
  scene,
  withHead,
} from "./scene.js";

describe("the student's gradient is PyTorch's", () => {
  test.each(weightings)("diff-instruct, weighting %s", (weighting) => {
    const at = scene();
    at.studentSignal(new DiffInstruct({ weighting }));
    expectGradients(at, `diff-instruct.${weighting}`);
  });

  test("diff-instruct, guided teacher", () => {
    const at = scene();
    at.studentSignal(new DiffInstruct(), 1.7);
    expectGradients(at, "guided");
  });

  test("dmd", () => {
    const at = scene();
    at.studentSignal(new Dmd());
    expectGradients(at, "dmd");
  });

  test("dmd with regression on pairs of the teacher's sampler", () => {
    const at = scene();
    const objective = new Dmd({ regressionWeight: 0.25, pairs: { count: 10, steps: 4, batchSize: 4 } });
    at.prepare(objective, 3);
    const { loss } = at.studentSignal(objective);
    expect(difference(loss!, "dmd.regression.loss")).toBeLessThan(1e-5);
    expectGradients(at, "dmd.regression");
    objective.dispose();
  });

  test.each([1.2, 0.5])("sid, alpha %s", (alpha) => {
    const at = scene();
    at.studentSignal(new Sid({ alpha }));
    expectGradients(at, `sid.${alpha}`);
  });

  test("dmd after the second step of a few-step student", () => {
    const at = scene();
    const student = new DenoiserStudent(at.student.module, { ...at.student, laterSigmas: [0.8] });
    const samples = student.generate(given("step-latents"), at.step().condition);
    const { gradient } = new Dmd().studentSignal({ ...at.step(), samples });
    backward([samples], [gradient!]);
    expectGradients(at, "dmd.two-steps");
  });

  test("vsd", () => {
    const at = scene();
    const objective = new Vsd({ rank: 2 });
    const input = { ...at.step(), auxiliary: adaptedTeacher(at, objective) };
    const signal = objective.studentSignal(input);
    backward([input.samples], [signal.gradient!]);
    expectGradients(at, "vsd");
  });

  test.each(sampleDistances)("regression, %s", (distance) => {
    const objective = new Regression({ distance, pairs: { count: 10, steps: 4, batchSize: 4 } });
    expectDirect(objective, `regression.${distance}`);
  });

  test.each(sampleDistances)("consistency, %s", (distance) => {
    const objective = new Consistency({ data: realSamples(), levels: 5, targetDecay: 0.9, distance });
    // The average is the auxiliary model of the fixture before the first update.
    expectDirect(objective, `consistency.${distance}`, ({ auxiliary }) => ({
      ...{ tensors: auxiliary.stateDict(), values: { images: 0 } },
    }));
  });

  test("dmd2", () => {
    const at = scene();
    at.studentSignal(dmd2(at));
    expectGradients(at, "dmd2");
  });
});

test("dmd2: loss and gradients of auxiliary model and head are PyTorch's", () => {
  const at = scene();
  const objective = dmd2(at);
  expect(objective.parameters()).toHaveLength(4);
  expectAuxiliary(objective, at, "dmd2.auxiliary");
});

test("vsd: loss and gradients of the adapters are PyTorch's", () => {
  const at = scene();
  const objective = new Vsd({ rank: 2 });
  const auxiliary = adaptedTeacher(at, objective);
  const { samples, ...input } = at.step();
  const loss = objective.auxiliaryLoss({ ...input, auxiliary, samples: samples.detach() });
  loss.backward();
  expect(difference(loss, "vsd.auxiliary.loss")).toBeLessThan(1e-5);
  expect(auxiliary.parameters()).toHaveLength(4);
  auxiliary.parameters().forEach((weight, index) => {
    expect(difference(weight.grad!, `vsd.auxiliary.gradient${index}`)).toBeLessThan(2e-5);
  });
  for (const weight of at.teacher.parameters()) expect(weight.grad).toBeUndefined();
});

/** VSD's auxiliary model with the fixture's adapters. */
function adaptedTeacher({ teacher }: ReturnType<typeof scene>, objective: Vsd) {
  const auxiliary = adaptersOn(teacher, objective, 0);
  const keys = [...auxiliary.stateDict().keys()];
  auxiliary.loadStateDict(new Map(keys.map((key) => [key, given(`vsd.${key}`)])));
  return auxiliary;
}

const dmd2 = (at: ReturnType<typeof scene>) =>
  withHead(new Dmd2({ real: realSamples(), generatorWeight: 0.05, discriminatorWeight: 0.02 }), at);
