import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, randn, type Tensor, tensor } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Backtracking, backtrack } from "../../src/distill/backtrack.js";
import { DirectDistillation, distillDirectly } from "../../src/distill/direct-distillation.js";
import type { DirectObjective } from "../../src/distill/direct-objective.js";
import type { Objective } from "../../src/distill/objective.js";
import { Consistency } from "../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../src/distill/objectives/dmd2.js";
import { Guided } from "../../src/distill/objectives/guided.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { Sid } from "../../src/distill/objectives/sid.js";
import { Vsd } from "../../src/distill/objectives/vsd.js";
import { record } from "../../src/distill/record.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { StudentGenerator } from "../../src/distill/student-generator.js";
import { StepsPerTarget } from "../../src/distill/target-schedule.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import type { FeatureDenoiser } from "../../src/models/denoiser.js";
import { GuidedDenoiser } from "../../src/models/guided-denoiser.js";
import type { LowRankDenoiser } from "../../src/models/low-rank.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-objectives-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Gaussian's denoiser that shows a discriminator the noisy sample beside the estimate's mean. */
class SeenGaussian extends GaussianDenoiser implements FeatureDenoiser {
  features(x: Tensor): Tensor {
    return x.sub(this.mean);
  }
}

const teacher = () => new SeenGaussian([1, -1]);
const realSamples = () =>
  new SamplePool({
    samples: randn([500, 2], { generator: new Generator(3) })
      .mul(0.5)
      .add(tensor([1, -1])),
  });
const farFromTeacher = (student: StudentGenerator) => {
  const [x, y] = sampleMean(student);
  return Math.hypot(x! - 1, y! + 1);
};
const settings = { batchSize: 64, studentLearningRate: 0.1, auxiliaryLearningRate: 0.2, seed: 4 };

/** A student of three steps with a Gaussian's network. */
const fewStepStudent = (mean: number[]) =>
  new StudentGenerator(new GaussianDenoiser(mean), {
    ...{ sigmaInit: 2.5, laterSigmas: [0.8, 0.2], sampleShape: [mean.length] },
  });

const objectives: [string, () => Objective][] = [
  ["diff-instruct, edm", () => new DiffInstruct({ weighting: "edm" })],
  ["diff-instruct, noise", () => new DiffInstruct({ weighting: "noise" })],
  ["diff-instruct, score", () => new DiffInstruct({ weighting: "score" })],
  ["dmd", () => new Dmd()],
  ["dmd with regression", () => new Dmd({ regressionWeight: 0.25, pairs: { count: 64, steps: 6 } })],
  ["dmd2", () => new Dmd2({ real: realSamples() })],
  ["sid", () => new Sid()],
];

describe.each(objectives)("%s", (_, objective) => {
  test("brings the student to the teacher", () => {
    const student = gaussianStudent([-1, 0.5]);
    const before = farFromTeacher(student);
    const after = farFromTeacher(
      backtrack({
        ...settings,
        teacher: teacher(),
        generator: student,
        objective: objective(),
        iterations: 250,
      }),
    );
    expect(after).toBeLessThan(0.15 * before);
  });

  test("brings a student of three steps to the teacher", () => {
    const options = { ...settings, teacher: teacher(), objective: objective(), iterations: 250 };
    const generator = fewStepStudent([-1, 0.5]);
    expect(farFromTeacher(backtrack({ ...options, generator }))).toBeLessThan(0.3);
  });

  test("brings the student to the teacher along a trajectory", () => {
    const trajectory = record({
      teacher: teacher(),
      generator: gaussianStudent([-1, 0.5]),
      folder: join(folder, "path"),
      steps: 60,
      interval: 30,
      batchSize: 64,
      learningRate: 0.05,
    });
    const work = new Backtracking({
      ...settings,
      teacher: teacher(),
      generator: gaussianStudent([-1, 0.5]),
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
] as [string, () => Objective][])("%s: a distillation that was interrupted ends the same", (_, objective) => {
  const make = () =>
    new Backtracking({
      ...settings,
      teacher: teacher(),
      generator: fewStepStudent([-1, 0.5]),
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

const directObjectives: [string, () => DirectObjective][] = [
  ["regression", () => new Regression({ pairs: { count: 64, steps: 6 } })],
  ["consistency", () => new Consistency({ pairs: { count: 64, steps: 6 }, levels: 6, targetDecay: 0.5 })],
  ["consistency on data", () => new Consistency({ data: realSamples(), levels: 6, targetDecay: 0.5 })],
];

describe.each(directObjectives)("%s", (_, objective) => {
  const direct = { teacher: teacher(), batchSize: 64, studentLearningRate: 0.1, emaDecay: 0.9, seed: 4 };

  test.each([
    ["one step", gaussianStudent],
    ["three steps", fewStepStudent],
  ])("brings a student of %s to the teacher", (_, student) => {
    const options = { ...direct, objective: objective(), generator: student([-1, 0.5]), iterations: 120 };
    expect(farFromTeacher(distillDirectly(options))).toBeLessThan(0.3);
  });

  test("ends the same when it was interrupted", () => {
    const make = () =>
      new DirectDistillation({
        ...direct,
        objective: objective(),
        generator: fewStepStudent([-1, 0.5]),
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

test("vsd trains adapters beside the teacher, which stays as it was, and goes along a trajectory of them", () => {
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
  const network = (seed: number) => createDenoiser(config, { generator: new Generator(seed) });
  const teacher = network(1);
  const weights = () => teacher.parameters().map((weight) => weight.data());
  const before = weights();
  const make = (generator = new StudentGenerator(network(2), { sigmaInit: 2.5, sampleShape: [2] })) => {
    const path = { teacher, generator, folder: join(folder, `path-${Math.random()}`), steps: 6, interval: 3 };
    const trajectory = record({ ...path, batchSize: 8, learningRate: 1e-2, rank: 2 });
    const start = trajectory.nodes.length;
    const node = teacher.clone();
    trajectory.loadInto(node, start);
    const work = new Backtracking({
      ...{ teacher, generator, trajectory, schedule: new StepsPerTarget(2), batchSize: 8, iterations: 6 },
      objective: new Vsd({ rank: 2 }),
    });
    return { work, node };
  };
  const { work, node } = make();
  const auxiliary = (work as unknown as { auxiliary: LowRankDenoiser }).auxiliary;
  // The most degraded node was made of adapters of this rank: the auxiliary model is that node.
  const x = randn([5, 2], { generator: new Generator(3) });
  const sigma = tensor([0.1, 0.5, 1, 2, 4]);
  expect(auxiliary.denoise(x, sigma).sub(node.denoise(x, sigma)).abs().max().item()).toBeLessThan(1e-5);
  while (!work.finished) work.step();
  expect(weights()).toEqual(before);

  const first = make().work;
  for (let i = 0; i < 3; i++) first.step();
  const second = make().work;
  second.loadState(first.state());
  while (!second.finished) second.step();
  const end = ({ average }: Backtracking) => average.denoiser.parameters().map((weight) => weight.data());
  expect(end(second)).toEqual(end(work));
});

test.each([
  ["dmd", () => new Dmd()],
  ["sid", () => new Sid()],
] as [string, () => Objective][])("%s leaves out samples that are not finite", (_, objective) => {
  const samples = randn([4, 2], { generator: new Generator(1) });
  samples.select(0, 2).fill_(Number.NaN);
  const signal = objective().studentSignal({
    samples,
    condition: undefined,
    auxiliary: new GaussianDenoiser([0.2, 0.4]),
    target: teacher(),
    generator: new Generator(9),
  });
  const rows = signal.gradient!.toArray() as number[][];
  expect(rows[2]).toEqual([0, 0]);
  for (const row of [0, 1, 3]) for (const value of rows[row]!) expect(Math.abs(value)).toBeGreaterThan(0);
});

test("dmd2 trains a head on the bottleneck of every network", () => {
  const image = { imageResolution: 8, imageChannels: 1, modelChannels: 8, channelMultipliers: [1, 2] };
  const small = { blocksPerResolution: 1, attentionResolutions: [], labelDim: 3 };
  const configs = [
    { network: "song-unet", ...image, ...small, dropout: 0 },
    { network: "dhariwal-unet", ...image, ...small, channelsPerHead: 8, dropout: 0 },
    { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1, labelDim: 3 },
  ];
  for (const value of configs) {
    const denoiser = createDenoiser(parseDenoiserConfig(value, "test"), { generator: new Generator(1) });
    const sampleShape = value.network === "mlp" ? [2] : [1, 8, 8];
    const generator = new StudentGenerator(denoiser.clone(), { sigmaInit: 2.5, sampleShape, labelDim: 3 });
    const random = new Generator(2);
    const real = new SamplePool({
      samples: randn([6, ...sampleShape], { generator: random }),
      condition: generator.conditions(6, random),
    });
    const objective = new Dmd2({ real });
    const work = new Backtracking({ teacher: denoiser, generator, objective, iterations: 2, batchSize: 4 });
    const before = objective.parameters().map((weight) => weight.data());
    expect(Number.isFinite(work.step().loss)).toBe(true);
    objective.parameters().forEach((weight, index) => {
      expect(weight.data()).not.toEqual(before[index]);
    });
  }
});

test("guidance: the convention, and what it needs", () => {
  const x = randn([3, 2], { generator: new Generator(1) });
  const sigma = tensor([0.5, 1, 2]);
  const condition = tensor([[1], [1], [1]]);
  const towards = new GaussianDenoiser([1, 1]);
  const from = new GaussianDenoiser([0, 0]);
  const denoiser = {
    sigmaMax: 80,
    denoise: (at: Tensor, level: Tensor, told?: Tensor) => (told ? towards : from).denoise(at, level),
  };
  const far = new GuidedDenoiser(denoiser, 3).denoise(x, sigma, condition);
  const expected = new GaussianDenoiser([3, 3]).denoise(x, sigma);
  expect(far.sub(expected).abs().max().item()).toBeLessThan(1e-5);
  expect(new GuidedDenoiser(denoiser, 1).denoise(x, sigma, condition).data()).toEqual(
    towards.denoise(x, sigma).data(),
  );
  expect(new GuidedDenoiser(denoiser, 1).sigmaMax).toBe(80);
  expect(() => new GuidedDenoiser(denoiser, 3).denoise(x, sigma)).toThrow(/needs a condition/);
  expect(() => new Guided(new Sid(), -1).prepare({} as never)).toThrow(/weight/);
});

test("options out of range, and data that does not fit, are named", () => {
  const real = realSamples();
  expect(() => new Consistency({ levels: 1 })).toThrow(/"levels"/);
  expect(() => new Consistency({ targetDecay: 1 })).toThrow(/"targetDecay"/);
  expect(() => new Dmd({ regressionWeight: -1 })).toThrow(/"regressionWeight"/);
  expect(() => new Dmd2({ real, generatorWeight: -1 })).toThrow(/"generatorWeight"/);
  expect(() => new Sid({ alpha: Number.NaN })).toThrow(/"alpha"/);
  const start = (objective: Objective, generator = gaussianStudent([0, 0]), of = teacher()) =>
    new Backtracking({ teacher: of, generator, objective });
  expect(() => start(new Dmd({ regressionWeight: 1, pairs: { count: 0 } }))).toThrow(/"count"/);
  expect(() => start(new Dmd2({ real }), gaussianStudent([0, 0, 0]))).toThrow(/\[2\].*\[3\]/);
  expect(() => start(new Dmd2({ real }), undefined, new GaussianDenoiser([0, 0]) as never)).toThrow(
    /no features/,
  );
  const conditional = new StudentGenerator(teacher(), { sigmaInit: 1, sampleShape: [2], labelDim: 4 });
  expect(() => start(new Dmd2({ real }), conditional)).toThrow(/no classes, the student 4/);
  expect(() => new SamplePool({ samples: randn([2, 2]), condition: randn([3, 1]) })).toThrow(
    /3 condition for 2/,
  );
});
