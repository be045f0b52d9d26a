import { fileURLToPath } from "node:url";
import { backward, Generator, readSafetensors, type State, type Tensor } from "@disback/torch";
import { expect } from "vitest";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import type { DirectObjective } from "../../../src/distill/direct-objective.js";
import type { Objective, StudentSignal } from "../../../src/distill/objective.js";
import { SamplePool } from "../../../src/distill/sample-pool.js";
import type { DenoiserModule } from "../../../src/models/denoiser.js";
import { guided } from "../../../src/models/guided-denoiser.js";
import { TinyDenoiser, TwoDepthsDenoiser } from "../tiny-denoiser.js";

const tensorsOf = (file: string) =>
  readSafetensors(fileURLToPath(new URL(`../../fixtures/distill/${file}.safetensors`, import.meta.url)))
    .tensors;
/** Networks, samples and results of fixtures/distill/make_objectives.py and make_further_objectives.py. */
const fixture = new Map([...tensorsOf("objectives"), ...tensorsOf("further-objectives")]);

/** A copy of a tensor of the fixture. */
export const given = (name: string) => fixture.get(name)!.clone();

/** Largest difference to the fixture, relative to the fixture's largest number. */
export function difference(actual: Tensor, name: string): number {
  const expected = fixture.get(name)!;
  expect(actual.shape, name).toEqual(expected.shape);
  return actual.sub(expected).abs().max().item() / expected.abs().max().item();
}

/** The networks of the fixture, and one step of an objective with them. @param depths of the teacher's features */
export function scene(depths: 1 | 2 = 1) {
  const student = new DenoiserStudent(new TinyDenoiser(fixture, "student"), {
    sigmaInit: 2.5,
  });
  const teacher = new (depths === 1 ? TinyDenoiser : TwoDepthsDenoiser)(fixture, "teacher");
  const auxiliary = new TinyDenoiser(fixture, "auxiliary");
  const condition = { class: given("labels") };
  const step = () => {
    const latents = given("latents");
    const samples = student.generate(latents, condition);
    return { samples, latents, condition, auxiliary, target: teacher, student, random: new Generator(7) };
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
export function expectGradients(
  { student, auxiliary, teacher }: ReturnType<typeof scene>,
  name: string,
  tolerance = 2e-5,
) {
  student.module.parameters().forEach((weight, index) => {
    expect(difference(weight.grad!, `${name}.gradient${index}`)).toBeLessThan(tolerance);
  });
  for (const weight of [...auxiliary.parameters(), ...teacher.parameters()])
    expect(weight.grad).toBeUndefined();
}

/** Compares the loss and the gradients of what is trained with the auxiliary model. */
export function expectAuxiliary(objective: Objective, at: ReturnType<typeof scene>, name: string) {
  const { samples, ...input } = at.step();
  const loss = objective.auxiliaryLoss!({ ...input, samples: samples.detach() });
  loss.backward();
  expect(difference(loss, `${name}.loss`)).toBeLessThan(1e-5);
  [...at.auxiliary.parameters(), ...(objective.parameters?.() ?? [])].forEach((weight, index) => {
    expect(difference(weight.grad!, `${name}.gradient${index}`)).toBeLessThan(2e-5);
  });
  for (const weight of at.teacher.parameters()) expect(weight.grad).toBeUndefined();
}

/** The fixture's real samples. */
export const realSamples = () =>
  new SamplePool({ samples: given("real.samples"), condition: { class: given("real.labels") } });

const HEAD_KEYS = ["hidden.weight", "hidden.bias", "out.weight", "out.bias"];

/** The state of a discriminator with the fixture's head. */
export function headState(): State {
  return { tensors: new Map(HEAD_KEYS.map((key) => [key, given(`head.${key}`)])), values: {} };
}

/** The state of a discriminator with one of the fixture's heads for each depth. */
export function headsState(depths: 1 | 2): State {
  const tensors = ["head", "deep-head"]
    .slice(0, depths)
    .flatMap((name, depth) =>
      HEAD_KEYS.map((key) => [`heads.${depth}.${key}`, given(`${name}.${key}`)] as const),
    );
  return { tensors: new Map(tensors), values: {} };
}

/** Prepares an objective, and gives its discriminator the fixture's head. */
export function withHead<O extends Objective>(objective: O, { prepare }: ReturnType<typeof scene>): O {
  prepare(objective);
  objective.loadState!(headState());
  return objective;
}

/** Compares a direct objective's loss and the student's gradients. @param state of the objective before the step */
export function expectDirect(
  objective: DirectObjective,
  name: string,
  state?: (at: ReturnType<typeof scene>) => State,
  tolerance = 2e-5,
  at = scene(),
) {
  const { student, teacher } = at;
  objective.prepare?.({ student, teacher, seed: 3 });
  if (state) objective.loadState!(state(at));
  objective.beforeStep?.();
  const loss = objective.loss({ student, teacher, count: 6, random: new Generator(7) });
  expect(difference(loss, `${name}.loss`)).toBeLessThan(tolerance / 2);
  loss.backward();
  expectGradients(at, name, tolerance);
  objective.dispose?.();
}
