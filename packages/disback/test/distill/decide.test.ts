import { Generator, Linear, type Module, tensor, zeros } from "@disback/torch";
import { describe, expect, it, test } from "vitest";
import { noConditions } from "../../src/distill/condition-source.js";
import {
  type DecideOptions,
  type Decision,
  decide,
  describeDecision,
  type ImitationOf,
  imitationSteps,
  samplesAreCheap,
} from "../../src/distill/decide.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import type { Student } from "../../src/distill/student.js";
import { createDenoiser } from "../../src/models/config.js";
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
const pictureConfig = {
  network: "song-unet" as const,
  ...{ imageResolution: 4, imageChannels: 1, modelChannels: 4, channelMultipliers: [1] },
};
const pictures = createDenoiser(pictureConfig, { generator: new Generator(0) });
const pictureCopy = () => new DenoiserStudent(pictures.clone(), { sigmaInit: 2.5 });
const untrainedPictures = () => {
  const config = { ...pictureConfig, modelChannels: 8 };
  return new DenoiserStudent(createDenoiser(config, { generator: new Generator(1) }), { sigmaInit: 2.5 });
};
const ofPictures = { teacher: pictures, samplesAreCheap: true };
const without = { imitation: { steps: 0 } };
const always = { imitation: { steps: 300, when: "always" as const } };

describe("what is done, and why", () => {
  it.each<[string, Partial<DecideOptions>, imitate: Decision["imitate"], record: boolean, why: RegExp]>([
    ["a copy", { student: copy() }, false, false, /^the student is a copy of the teacher$/],
    [
      "a copy of several steps",
      { student: new DenoiserStudent(copy().module, { sigmaInit: 2.5, laterSigmas: [1] }) },
      false,
      false,
      /copy/,
    ],
    [
      "a copy that draws pictures",
      { ...ofPictures, student: pictureCopy() },
      "samples",
      false,
      /^the student is a copy of the teacher, and first learns some of its samples$/,
    ],
    [
      "a copy that draws pictures, samples dear",
      { ...ofPictures, student: pictureCopy(), samplesAreCheap: false },
      false,
      false,
      /^the student is a copy of the teacher$/,
    ],
    [
      "a copy that draws pictures in two steps",
      {
        ...ofPictures,
        student: new DenoiserStudent(pictureCopy().module, { sigmaInit: 2.5, laterSigmas: [1] }),
      },
      false,
      false,
      /^the student is a copy of the teacher$/,
    ],
    [
      "a copy that draws pictures, a step asked for",
      { ...ofPictures, student: pictureCopy(), imitation: { steps: 300, of: "step" } },
      false,
      false,
      /^the student is a copy of the teacher$/,
    ],
    [
      "a copy of points, samples cheap",
      { student: copy(), samplesAreCheap: true },
      "samples",
      false,
      /first learns some/,
    ],
    [
      "no copy, of pictures",
      { ...ofPictures, student: untrainedPictures() },
      "both",
      false,
      /first imitates the teacher/,
    ],
    [
      "no copy, of pictures, samples dear",
      { ...ofPictures, student: untrainedPictures(), samplesAreCheap: false },
      "step",
      false,
      /first imitates the teacher/,
    ],
    [
      "no copy, samples asked for",
      { imitation: { steps: 300, of: "samples" } },
      "samples",
      false,
      /first imitates/,
    ],
    ["no copy", {}, "step", false, /first imitates the teacher/],
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
    ["no copy, low levels", { levels: low }, "step", false, /first imitates the teacher/],
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
    ["imitation in any case", { ...always, student: copy() }, "samples", false, /imitation was asked for/],
    ["imitation and disback", { ...always, method: "disback" }, "step", true, /a trajectory was asked for/],
    ["imitation and plain", { ...always, method: "plain" }, "step", false, /the objective alone/],
    [
      "imitation and a direct objective",
      { ...always, direct: true },
      "step",
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
  const line = (imitate: Decision["imitate"], record: boolean) =>
    describeDecision({ imitate, record, why: "so" });
  expect([line(false, false), line("step", false), line(false, true), line("both", true)]).toEqual([
    "distillation without a trajectory: so",
    "imitation of the teacher's single step, then distillation without a trajectory: so",
    "recording, then backtracking: so",
    "imitation of the teacher's single step and its samples, then recording, then backtracking: so",
  ]);
});

test("samples are cheap if their forward passes are at most a fifth of the distillation's", () => {
  const pairs = { count: 200, steps: 8, passes: 12 };
  // 200 (15 + 36) = 10,200 passes; 7 for each sample of the distillation.
  expect(samplesAreCheap(pairs, { iterations: 200, batchSize: 64 })).toBe(true);
  expect(samplesAreCheap(pairs, { iterations: 7286, batchSize: 1 })).toBe(true);
  expect(samplesAreCheap(pairs, { iterations: 7285, batchSize: 1 })).toBe(false);
  const stepsOf = (what: ImitationOf) => imitationSteps({ steps: 300, batchSize: 32 }, pairs, what);
  expect(stepsOf("step")).toEqual({ steps: 300, sampleSteps: 0 });
  expect(stepsOf("samples")).toEqual({ steps: 0, sampleSteps: 75 });
  expect(stepsOf("both")).toEqual({ steps: 300, sampleSteps: 75 });
  const { passes: _, ...usual } = pairs;
  const usually = (what: ImitationOf) => imitationSteps({ steps: 300, batchSize: 32 }, usual, what);
  expect([usually("samples").sampleSteps, usually("both").sampleSteps]).toEqual([75, 150]);
});
