import { Linear, type Module, tensor, zeros } from "@disback/torch";
import { describe, expect, it, test } from "vitest";
import { noConditions } from "../../src/distill/condition-source.js";
import { type DecideOptions, decide, describeDecision } from "../../src/distill/decide.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import type { Student } from "../../src/distill/student.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";

const teacher = new GaussianDenoiser([1, -1]);

/** A student that is no denoiser: a line from a latent number, at a distance from the data. */
const otherStudent = ({ facts = teacher.facts, point = [0, 0.2] } = {}): Student => {
  const module = new Linear(1, 2);
  return {
    module,
    facts,
    conditions: noConditions,
    evaluations: 1,
    latents: (count) => zeros([count, 1]),
    drawSteps: () => 1,
    generate: (latents) => module.forward(latents).mul(0).add(tensor(point)),
    withModule: (_: Module) => otherStudent(),
  };
};

const copy = () => gaussianStudent([1, -1]);
/** Levels of about 0.1, a fifth of the deviation of the data. */
const low = new LogNormal(-2.3, 0.2);
const doesNotLead =
  /^from noise of 0\.14, the highest level in use, the teacher does not lead the student's first samples to the data \(its loss there is \d+\.\d\d of its own samples'\)$/;
const near = () => gaussianStudent([1, -1.01]);
const far = () => gaussianStudent([0, 0.2]);
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
    ["no denoiser", { student: otherStudent() }, false, false, /the teacher leads the student's/],
    [
      "no denoiser, low levels",
      { student: otherStudent({ point: [-2, 2] }), levels: low },
      false,
      true,
      doesNotLead,
    ],
    [
      "no denoiser, low levels, pictures",
      {
        student: otherStudent({ facts: { ...teacher.facts, sampleShape: [2, 1, 1] }, point: [-2, 2] }),
        levels: low,
      },
      false,
      false,
      /does not lead .*, but for pictures a trajectory has not paid$/,
    ],
    ["far off, imitation not wanted", without, false, false, /the teacher leads the student's/],
    [
      "far off, low levels, imitation not wanted",
      { ...without, levels: low, student: gaussianStudent([-2, 2]) },
      false,
      true,
      doesNotLead,
    ],
    [
      "near, low levels, imitation not wanted",
      { ...without, levels: low, student: near() },
      false,
      false,
      /leads/,
    ],
    ["no copy, low levels", { levels: low }, true, false, /first imitates the teacher/],
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

  it("the copy needs nothing, however little the levels reach", () => {
    expect(asked({ ...without, levels: low, student: copy() })).toMatchObject({ record: false });
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
