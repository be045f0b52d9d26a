import { Linear, type Module, zeros } from "@disback/torch";
import { describe, expect, it, test } from "vitest";
import { noConditions } from "../../src/distill/condition-source.js";
import {
  type DecideOptions,
  decide,
  describeDecision,
  lossOnFirstSamples,
} from "../../src/distill/decide.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import type { Student } from "../../src/distill/student.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

// The teacher's loss on a sample x, per element and noise level, is
//   lambda ((s^2 / (s^2 + sigma^2))^2 sigma^2 + (sigma^2 / (s^2 + sigma^2))^2 (x - mu)^2),  lambda = (s^2 + sigma^2) / (s sigma)^2
// = s^2 / (s^2 + sigma^2) + sigma^2 / (s^2 + sigma^2) ((x - mu) / s)^2:
// below 1 for samples within one deviation of the mean, above 1 for samples beyond.
const teacher = new GaussianDenoiser([1, -1]);

describe("the teacher's loss on a student's first samples", () => {
  it("is below 1 where they lie in the teacher's range", () => {
    expect(lossOnFirstSamples({ teacher, student: gaussianStudent([1, -1]) })).toBeLessThan(1);
  });

  it("is above 1 where they are far off", () => {
    expect(lossOnFirstSamples({ teacher, student: gaussianStudent([-1, 1]) })).toBeGreaterThan(3);
  });

  it("is decided by the seed alone", () => {
    const once = (seed: number) => lossOnFirstSamples({ teacher, student: gaussianStudent([0, 0]), seed });
    expect(once(5)).toBe(once(5));
    expect(once(5)).not.toBe(once(6));
  });

  it("goes by the teacher's own sigmaData", () => {
    // lambda of 0.05 is about a hundred times that of 0.5 at every level above both.
    const own = new GaussianDenoiser([1, -1], { sigmaData: 0.05 });
    const student = gaussianStudent([1, -1]);
    expect(lossOnFirstSamples({ teacher: own, student })).toBeGreaterThan(
      10 * lossOnFirstSamples({ teacher, student }),
    );
  });
});

/** A student that is no denoiser: a line from a latent number. */
const otherStudent = (): Student => {
  const module = new Linear(1, 2);
  return {
    module,
    facts: teacher.facts,
    conditions: noConditions,
    evaluations: 1,
    latents: (count) => zeros([count, 1]),
    drawSteps: () => 1,
    generate: (latents) => module.forward(latents),
    withModule: (_: Module) => otherStudent(),
  };
};

const copy = () => gaussianStudent([1, -1]);
const near = () => gaussianStudent([1, -1.01]);
const far = () => gaussianStudent([-1, 1]);
const asked = (options: Partial<DecideOptions> = {}) =>
  decide({
    ...{ method: "auto", teacher, student: far(), imitation: { steps: 300 }, seed: 0 },
    ...options,
  });
const without = { imitation: { steps: 0 } };
const always = { imitation: { steps: 300, when: "always" as const } };

describe("what is done, and why", () => {
  it.each<[string, Partial<DecideOptions>, imitate: boolean, record: boolean, why: RegExp]>([
    ["a copy", { student: copy() }, false, false, /^the student is a copy of the teacher$/],
    [
      "a copy of several steps",
      { student: new DenoiserStudent(copy().module, { sigmaInit: 2.5, laterSigmas: [1] }) },
      false,
      false,
      /copy/,
    ],
    ["no copy", {}, true, false, /first imitates the teacher/],
    ["no denoiser", { student: otherStudent() }, false, true, /is not a denoiser/],
    ["far off, imitation not wanted", without, false, true, /first samples is \d+\.\d\d, above 1$/],
    ["near, imitation not wanted", { ...without, student: near() }, false, false, /is 0\.\d\d, not above 1$/],
    ["plain", { method: "plain" }, false, false, /the objective alone was asked for/],
    [
      "plain, a copy",
      { method: "plain", student: copy() },
      false,
      false,
      /the objective alone was asked for/,
    ],
    ["disback", { method: "disback" }, false, true, /a trajectory was asked for/],
    ["disback, a copy", { method: "disback", student: copy() }, false, true, /a trajectory was asked for/],
    ["a direct objective", { direct: true }, false, false, /only on samples it was trained for/],
    [
      "a direct objective, disback",
      { direct: true, method: "disback" },
      false,
      false,
      /only on samples it was trained for/,
    ],
    ["imitation in any case", { ...always, student: copy() }, true, false, /imitation was asked for/],
    ["imitation and disback", { ...always, method: "disback" }, true, true, /a trajectory was asked for/],
    ["imitation and plain", { ...always, method: "plain" }, true, false, /the objective alone/],
    [
      "imitation and a direct objective",
      { ...always, direct: true },
      true,
      false,
      /only on samples it was trained for/,
    ],
  ])("%s", (_, options, imitate, record, why) => {
    expect(asked(options)).toEqual({ imitate, record, why: expect.stringMatching(why) });
  });

  it("the copy needs nothing, however large the loss on its samples", () => {
    const narrow = { sigmaData: 0.05 };
    const [own, same, other] = [
      [1, -1],
      [1, -1],
      [1, -1.01],
    ].map((mean) => new GaussianDenoiser(mean, narrow));
    const student = (module: GaussianDenoiser) => new DenoiserStudent(module, { sigmaInit: 2.5 });
    expect(lossOnFirstSamples({ teacher: own!, student: student(same!) })).toBeGreaterThan(1);
    expect(asked({ ...without, teacher: own!, student: student(same!) })).toMatchObject({ record: false });
    expect(asked({ ...without, teacher: own!, student: student(other!) })).toMatchObject({ record: true });
  });

  it("is the same for the same seed", () => {
    expect(asked({ ...without, seed: 3 })).toEqual(asked({ ...without, seed: 3 }));
    expect(asked({ ...without, seed: 3 }).why).not.toBe(asked({ ...without, seed: 4 }).why);
  });

  it("imitation in any case is refused for what cannot imitate", () => {
    expect(() => asked({ ...always, student: otherStudent() })).toThrow(
      /^imitation: the student is not a denoiser/,
    );
  });
});

test("a decision in one line", () => {
  const line = (imitate: boolean, record: boolean) => describeDecision({ imitate, record, why: "so" });
  expect([line(false, false), line(true, false), line(false, true), line(true, true)]).toEqual([
    "distillation without a trajectory: so",
    "imitation, then distillation without a trajectory: so",
    "recording, then backtracking: so",
    "imitation, then recording, then backtracking: so",
  ]);
});
