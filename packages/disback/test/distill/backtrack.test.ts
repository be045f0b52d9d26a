import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, noGrad, randn } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Backtracking, backtrack } from "../../src/distill/backtrack.js";
import type { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { evenSteps } from "../../src/distill/node-schedule.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import type { Objective, StudentInput, StudentSignal } from "../../src/distill/objective.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { record } from "../../src/distill/record.js";
import { addNoise } from "../../src/distill/score-comparison.js";
import { MismatchReached, StepsPerTarget } from "../../src/distill/target-schedule.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-backtrack-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const teacher = () => new GaussianDenoiser([1, -1]);
const trajectoryFor = (name: string) =>
  record({
    teacher: teacher(),
    student: gaussianStudent([-1, 0.5]),
    folder: join(folder, name),
    steps: 90,
    nodes: evenSteps(90, 30),
    batchSize: 64,
    learningRate: 0.05,
  });
/** Distance of the samples' mean from the teacher's; 2.5 at the start. */
const farFromTeacher = (student: DenoiserStudent) => {
  const [x, y] = sampleMean(student);
  return Math.hypot(x! - 1, y! + 1);
};
const settings = {
  batchSize: 64,
  studentLearningRate: 0.1,
  auxiliaryLearningRate: 0.2,
  execution: { seed: 4 },
};

test("Diff-Instruct's gradient has its closed form", () => {
  // D_phi - D_i = sigma^2 (mu_phi - mu_i) / (s^2 + sigma^2), divided by the batch size.
  const samples = randn([5, 2], { generator: new Generator(1) });
  const noise = new LogNormal();
  const signal = new DiffInstruct({ noise }).studentSignal({
    ...{ samples, latents: samples },
    condition: undefined,
    auxiliary: new GaussianDenoiser([0.2, 0.4]),
    target: teacher(),
    random: new Generator(9),
    student: gaussianStudent([0, 0]),
  });
  const sigma = noise.sample(5, new Generator(9)).data() as Float32Array;
  const gradient = signal.gradient!.toArray() as number[][];
  let squares = 0;
  gradient.forEach((row, n) => {
    const share = sigma[n]! ** 2 / (0.25 + sigma[n]! ** 2);
    expect(row[0]).toBeCloseTo((share * (0.2 - 1)) / 5, 5);
    expect(row[1]).toBeCloseTo((share * (0.4 + 1)) / 5, 5);
    squares += (share * 0.8) ** 2 + (share * 1.4) ** 2;
  });
  expect(signal.difference.item()).toBeCloseTo(squares / 10, 4);
});

test("the target's error is the auxiliary model's when they agree, larger when the target is elsewhere", () => {
  const samples = randn([512, 2], { generator: new Generator(1) }).mul(0.5);
  const mismatch = (target: GaussianDenoiser) => {
    const { targetError, auxiliaryError } = new DiffInstruct().studentSignal({
      ...{ samples, latents: samples },
      condition: undefined,
      auxiliary: new GaussianDenoiser([0, 0]),
      target,
      random: new Generator(2),
      student: gaussianStudent([0, 0]),
    });
    return targetError.item() / auxiliaryError.item();
  };
  expect(mismatch(new GaussianDenoiser([0, 0]))).toBeCloseTo(1, 6);
  expect(mismatch(new GaussianDenoiser([1, 1]))).toBeGreaterThan(2);
});

test("the student walks the trajectory and arrives at the teacher", () => {
  const work = new Backtracking({
    ...settings,
    teacher: teacher(),
    student: gaussianStudent([-1, 0.5]),
    trajectory: trajectoryFor("walk"),
    schedule: new StepsPerTarget(40),
    iterations: 400,
  });
  const targets: number[] = [];
  while (!work.finished) targets.push(work.step().target);
  expect([...new Set(targets)]).toEqual([2, 1, 0]);
  expect(targets.filter((target) => target === 2)).toHaveLength(40);
  expect(targets.at(-1)).toBe(0);
  expect(farFromTeacher(work.average)).toBeLessThan(0.25);
});

test("without a trajectory it is the objective alone, from the teacher's weights", () => {
  const work = new Backtracking({
    ...settings,
    teacher: teacher(),
    student: gaussianStudent([-1, 0.5]),
    iterations: 3,
  });
  expect([work.step(), work.step(), work.step()].map((figures) => figures.target)).toEqual([0, 0, 0]);
  const student = backtrack({
    ...settings,
    teacher: teacher(),
    student: gaussianStudent([-1, 0.5]),
    iterations: 300,
  });
  expect(farFromTeacher(student)).toBeLessThan(0.3);
});

test("a backtracking that was interrupted ends with the same student, bit for bit", () => {
  const trajectory = trajectoryFor("resume");
  const make = () =>
    new Backtracking({
      ...settings,
      teacher: teacher(),
      student: gaussianStudent([-1, 0.5]),
      trajectory,
      schedule: new StepsPerTarget(7),
      iterations: 30,
    });
  const whole = make();
  while (!whole.finished) whole.step();
  for (const stop of [3, 7, 13, 14, 29]) {
    const first = make();
    for (let i = 0; i < stop; i++) first.step();
    const state = first.state();
    const second = make();
    second.loadState(state);
    expect(second.step()).toEqual(first.step());
    while (!second.finished) second.step();
    expect(second.average.module.stateDict().get("mean")!.data()).toEqual(
      whole.average.module.stateDict().get("mean")!.data(),
    );
  }
});

test("a trajectory of another teacher is refused", () => {
  const trajectory = trajectoryFor("other");
  expect(
    () =>
      new Backtracking({
        teacher: new GaussianDenoiser([5, 5]),
        student: gaussianStudent([0, 0]),
        trajectory,
      }),
  ).toThrow(/another teacher/);
});

test("targets that are reached already cost one step, others at most the given number", () => {
  const trajectory = trajectoryFor("adaptive");
  const schedule = new MismatchReached({ threshold: 1000, maximumSteps: 9 });
  const work = new Backtracking({
    ...settings,
    teacher: teacher(),
    student: gaussianStudent([-1, 0.5]),
    trajectory,
    schedule,
    iterations: 12,
  });
  expect([work.step().target, work.step().target, work.step().target]).toEqual([2, 1, 0]);
  expect(schedule.reached({ steps: 8, mismatch: 1001, gap: 1 })).toBe(false);
  expect(schedule.reached({ steps: 9, mismatch: 1001, gap: 1 })).toBe(true);
  expect(() => new MismatchReached({ threshold: 1 })).toThrow(/greater than 1/);
});

/**
 * An objective without an auxiliary model: the student moves to where the target restores its noised samples to, as
 * score distillation without variance (DreamFusion) does.
 */
class Pull implements Objective {
  readonly name = "pull";
  studentSignal({ samples, condition, target, auxiliary, random }: StudentInput): StudentSignal {
    expect(auxiliary).toBe(target);
    return noGrad(() => {
      const { sigma, noised } = addNoise(samples.detach(), new LogNormal(), random);
      const away = samples.detach().sub(target.denoise(noised, sigma, condition));
      const error = away.square().mean();
      return {
        gradient: away.div(samples.shape[0]!),
        difference: error,
        targetError: error,
        auxiliaryError: error.mul(0.5),
      };
    });
  }
}

test("an objective without an auxiliary model has none: no weights, no updates, no state", () => {
  const make = () =>
    new Backtracking({
      ...{ ...settings, teacher: teacher(), student: gaussianStudent([-1, 0.5]), objective: new Pull() },
      ...{ trajectory, schedule: new StepsPerTarget(30), iterations: 400 },
    });
  const trajectory = trajectoryFor("pull");
  const work = make();
  expect(Object.keys(work.networks).sort()).toEqual(["student", "target"]);
  const figures = work.step();
  expect(figures.auxiliaryGradientNorm).toBe(0);
  expect(figures.mismatch).toBeCloseTo(2, 5);
  // Its own error stands where the auxiliary model's loss would.
  expect(figures.loss).toBeCloseTo(figures.gap ** 2 / 2, 5);
  expect([...work.state().tensors.keys()].filter((key) => key.startsWith("auxiliary"))).toEqual([]);

  const state = work.state();
  const copy = { ...state, tensors: new Map([...state.tensors].map(([key, one]) => [key, one.clone()])) };
  const targets = new Set<number>();
  while (!work.finished) targets.add(work.step().target);
  expect([...targets]).toEqual([2, 1, 0]);
  expect(farFromTeacher(work.average)).toBeLessThan(0.3);

  const resumed = make();
  resumed.loadState(copy);
  while (!resumed.finished) resumed.step();
  expect(sampleMean(resumed.average)).toEqual(sampleMean(work.average));
});
