import { fileURLToPath } from "node:url";
import { backward, Generator, readSafetensors, type Tensor } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { adaptersOn } from "../../../src/distill/adapter-nodes.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import type { DirectObjective } from "../../../src/distill/direct-objective.js";
import type { Objective, StudentSignal } from "../../../src/distill/objective.js";
import { Consistency } from "../../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { Regression } from "../../../src/distill/objectives/regression.js";
import { Sid } from "../../../src/distill/objectives/sid.js";
import { Vsd } from "../../../src/distill/objectives/vsd.js";
import { sampleDistances } from "../../../src/distill/sample-distance.js";
import { SamplePool } from "../../../src/distill/sample-pool.js";
import { weightings } from "../../../src/distill/weighting.js";
import type { DenoiserModule } from "../../../src/models/denoiser.js";
import { guided } from "../../../src/models/guided-denoiser.js";
import { TinyDenoiser } from "../tiny-denoiser.js";

const fixture = readSafetensors(
  fileURLToPath(new URL("../../fixtures/distill/objectives.safetensors", import.meta.url)),
).tensors;
const given = (name: string) => fixture.get(name)!.clone();

/** Largest difference to the fixture, relative to the fixture's largest number. */
function difference(actual: Tensor, name: string): number {
  const expected = fixture.get(name)!;
  expect(actual.shape, name).toEqual(expected.shape);
  return actual.sub(expected).abs().max().item() / expected.abs().max().item();
}

/** The networks of the fixture, and one step of an objective with them. */
function scene() {
  const student = new DenoiserStudent(new TinyDenoiser(fixture, "student"), {
    sigmaInit: 2.5,
  });
  const teacher = new TinyDenoiser(fixture, "teacher");
  const auxiliary = new TinyDenoiser(fixture, "auxiliary");
  const condition = { class: given("labels") };
  const step = () => {
    const samples = student.generate(given("latents"), condition);
    return { samples, condition, auxiliary, target: teacher, student, random: new Generator(7) };
  };
  const studentSignal = (objective: Objective, guidance = 1): StudentSignal => {
    const input = { ...step(), target: guided<DenoiserModule>(teacher, guidance) };
    const signal = objective.studentSignal(input);
    backward([input.samples], [signal.gradient!]);
    signal.loss?.backward();
    return signal;
  };
  const prepare = (objective: Objective, seed = 0) =>
    objective.prepare!({ student, teacher, auxiliary, seed });
  return { student, teacher, auxiliary, step, studentSignal, prepare };
}

/** Compares the gradients of the student's weights, and sees that those of the other networks are untouched. */
function expectGradients({ student, auxiliary, teacher }: ReturnType<typeof scene>, name: string) {
  student.module.parameters().forEach((weight, index) => {
    expect(difference(weight.grad!, `${name}.gradient${index}`)).toBeLessThan(2e-5);
  });
  for (const weight of [...auxiliary.parameters(), ...teacher.parameters()])
    expect(weight.grad).toBeUndefined();
}

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
    const data = new SamplePool({
      samples: given("real.samples"),
      condition: { class: given("real.labels") },
    });
    expectDirect(new Consistency({ data, levels: 5, targetDecay: 0.9, distance }), `consistency.${distance}`);
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
  const { samples, ...input } = at.step();
  const loss = objective.auxiliaryLoss({ ...input, samples: samples.detach() });
  loss.backward();
  expect(difference(loss, "dmd2.auxiliary.loss")).toBeLessThan(1e-5);
  const weights = [...at.auxiliary.parameters(), ...objective.parameters()];
  expect(weights).toHaveLength(8);
  weights.forEach((weight, index) => {
    expect(difference(weight.grad!, `dmd2.auxiliary.gradient${index}`)).toBeLessThan(2e-5);
  });
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

/** Compares a direct objective's loss and the student's gradients. */
function expectDirect(objective: DirectObjective, name: string) {
  const at = scene();
  const { student, teacher, auxiliary } = at;
  objective.prepare!({ student, teacher, seed: 3 });
  // Consistency's average is the auxiliary model of the fixture before the first update.
  objective.loadState?.({ tensors: auxiliary.stateDict(), values: { images: 0 } });
  objective.beforeStep?.();
  const loss = objective.loss({ student, teacher, count: 6, random: new Generator(7) });
  expect(difference(loss, `${name}.loss`)).toBeLessThan(1e-5);
  loss.backward();
  expectGradients(at, name);
  objective.dispose!();
}

function dmd2({ prepare }: ReturnType<typeof scene>): Dmd2 {
  const real = new SamplePool({ samples: given("real.samples"), condition: { class: given("real.labels") } });
  const objective = new Dmd2({ real, generatorWeight: 0.05, discriminatorWeight: 0.02 });
  prepare(objective);
  const keys = [...objective.state().tensors.keys()];
  objective.loadState({
    tensors: new Map(keys.map((key) => [key, given(`head.${key}`)])),
    values: {},
  });
  return objective;
}
