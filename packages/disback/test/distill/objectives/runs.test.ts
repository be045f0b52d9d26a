import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, randn } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Backtracking, backtrack } from "../../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import type { Objective } from "../../../src/distill/objective.js";
import { Consistency } from "../../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { FDistill } from "../../../src/distill/objectives/f-distill.js";
import { MomentMatching } from "../../../src/distill/objectives/moment-matching.js";
import { Sid } from "../../../src/distill/objectives/sid.js";
import { Sida } from "../../../src/distill/objectives/sida.js";
import { Sim } from "../../../src/distill/objectives/sim.js";
import { record } from "../../../src/distill/record.js";
import { SamplePool } from "../../../src/distill/sample-pool.js";
import { StepsPerTarget } from "../../../src/distill/target-schedule.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "../gaussian.js";
import { farFromTeacher, fewStepStudent, realSamples, SeenGaussian, teacher } from "../towards-teacher.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-objectives-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = {
  batchSize: 64,
  studentLearningRate: 0.1,
  auxiliaryLearningRate: 0.2,
  execution: { seed: 4 },
};

const objectives: [string, () => Objective][] = [
  ["diff-instruct, edm", () => new DiffInstruct({ weighting: "edm" })],
  ["diff-instruct, noise", () => new DiffInstruct({ weighting: "noise" })],
  ["diff-instruct, score", () => new DiffInstruct({ weighting: "score" })],
  ["dmd", () => new Dmd()],
  ["dmd with regression", () => new Dmd({ regressionWeight: 0.25, pairs: { count: 64, steps: 6 } })],
  ["dmd2", () => new Dmd2({ real: realSamples() })],
  ["sid", () => new Sid()],
  ["f-distill", () => new FDistill({ real: realSamples() })],
  ["sim", () => new Sim({ huber: 0.3 })],
  ["sida", () => new Sida({ real: realSamples() })],
  ["moment-matching", () => new MomentMatching()],
];

describe.each(objectives)("%s", (_, objective) => {
  test("brings the student to the teacher", () => {
    const student = gaussianStudent([-1, 0.5]);
    const before = farFromTeacher(student);
    const after = farFromTeacher(
      backtrack({
        ...settings,
        teacher: teacher(),
        student,
        objective: objective(),
        iterations: 250,
      }),
    );
    expect(after).toBeLessThan(0.15 * before);
  });

  test("brings a student of three steps to the teacher", () => {
    const options = { ...settings, teacher: teacher(), objective: objective(), iterations: 250 };
    const student = fewStepStudent([-1, 0.5]);
    expect(farFromTeacher(backtrack({ ...options, student }))).toBeLessThan(0.3);
  });

  test("brings the student to the teacher along a trajectory", () => {
    const trajectory = record({
      teacher: teacher(),
      student: gaussianStudent([-1, 0.5]),
      folder: join(folder, "path"),
      steps: 60,
      nodes: [30, 60],
      batchSize: 64,
      learningRate: 0.05,
    });
    const work = new Backtracking({
      ...settings,
      teacher: teacher(),
      student: gaussianStudent([-1, 0.5]),
      trajectory,
      objective: objective(),
      schedule: new StepsPerTarget(40),
      iterations: 250,
    });
    const targets = new Set<number>();
    while (!work.finished) targets.add(work.step().target);
    expect([...targets]).toEqual([1, 0]);
    expect(farFromTeacher(work.average)).toBeLessThan(0.15 * farFromTeacher(gaussianStudent([-1, 0.5])));
  });
});

test.each([
  ["dmd2", () => new Dmd2({ real: realSamples(), discriminatorWeight: 1, generatorWeight: 1 })],
  ["dmd with regression", () => new Dmd({ regressionWeight: 1, pairs: { count: 10, steps: 3 } })],
  ["f-distill", () => new FDistill({ real: realSamples(), discriminatorWeight: 1, r1Weight: 1 })],
] as [string, () => Objective][])("%s: a distillation that was interrupted ends the same", (_, objective) => {
  const make = () =>
    new Backtracking({
      ...settings,
      teacher: teacher(),
      student: fewStepStudent([-1, 0.5]),
      objective: objective(),
      auxiliarySteps: 2,
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

test.each([
  ["dmd", () => new Dmd()],
  ["sid", () => new Sid()],
  ["sim", () => new Sim()],
] as [string, () => Objective][])("%s leaves out samples that are not finite", (_, objective) => {
  const samples = randn([4, 2], { generator: new Generator(1) });
  samples.select(0, 2).fill_(Number.NaN);
  const signal = objective().studentSignal({
    ...{ samples, latents: samples },
    condition: undefined,
    auxiliary: new GaussianDenoiser([0.2, 0.4]),
    target: teacher(),
    random: new Generator(9),
    student: gaussianStudent([0, 0]),
  });
  const rows = signal.gradient!.toArray() as number[][];
  expect(rows[2]).toEqual([0, 0]);
  for (const row of [0, 1, 3]) for (const value of rows[row]!) expect(Math.abs(value)).toBeGreaterThan(0);
});

test("options out of range, and data that does not fit, are named", () => {
  const real = realSamples();
  expect(() => new Consistency({ levels: 1 })).toThrow(/"levels"/);
  expect(() => new Consistency({ targetDecay: 1 })).toThrow(/"targetDecay"/);
  expect(() => new Dmd({ regressionWeight: -1 })).toThrow(/"regressionWeight"/);
  expect(() => new Dmd2({ real, generatorWeight: -1 })).toThrow(/"generatorWeight"/);
  expect(() => new Sid({ alpha: Number.NaN })).toThrow(/"alpha"/);
  expect(() => new FDistill({ real, ratioBounds: [0, 1] })).toThrow(/"ratioBounds"/);
  expect(() => new FDistill({ real, r1Weight: -1 })).toThrow(/f-distill: "r1Weight"/);
  expect(() => new Sim({ huber: 0 })).toThrow(/"huber"/);
  expect(() => new Sida({ real, generatorWeight: -1 })).toThrow(/"generatorWeight"/);
  expect(() => new MomentMatching({ targetWeight: -1 })).toThrow(/"targetWeight"/);
  const start = (objective: Objective, student = gaussianStudent([0, 0]), of: GaussianDenoiser = teacher()) =>
    new Backtracking({ teacher: of, student, objective });
  expect(() => start(new Dmd({ regressionWeight: 1, pairs: { count: 0 } }))).toThrow(/"count"/);
  expect(() => start(new Dmd2({ real }), gaussianStudent([0, 0, 0]))).toThrow(/\[2\].*\[3\]/);
  expect(() => start(new Dmd2({ real }), undefined, new GaussianDenoiser([0, 0]))).toThrow(/no features/);
  const conditional = new DenoiserStudent(new SeenGaussian([1, -1], { classes: 4 }), { sigmaInit: 1 });
  expect(() => start(new Dmd2({ real }), conditional)).toThrow(/no condition, the student takes class \[4\]/);
  expect(() => new SamplePool({ samples: randn([2, 2]), condition: { class: randn([3, 1]) } })).toThrow(
    /3 condition for 2/,
  );
});
