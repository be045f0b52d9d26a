import { drawInteger, Generator, ops, randn, scope } from "@disback/torch";
import { expect, test } from "vitest";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { Imitation, imitate } from "../../src/distill/imitate.js";
import { teacherPairs } from "../../src/distill/teacher-pairs.js";
import { createDenoiser } from "../../src/models/config.js";
import type { PreconditionedDenoiser } from "../../src/models/preconditioning/preconditioned.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

// With one deviation s for all, student and teacher differ by w (mu_student - mu_teacher) whatever the latent,
// w = sigma^2 / (s^2 + sigma^2), s = 0.5, sigma = 2.5.
const weight = 2.5 ** 2 / (0.5 ** 2 + 2.5 ** 2);

test("the loss is the mean squared difference to the teacher's network run in the student's place", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const imitation = new Imitation({ teacher, student: gaussianStudent([3, 0]) });
  expect(imitation.step().loss).toBeCloseTo((weight ** 2 * (2 ** 2 + 1 ** 2)) / 2, 4);
});

test("the student comes to answer as the teacher does; the teacher stays", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const student = gaussianStudent([3, 0]);
  imitate({ teacher, student, steps: 150, batchSize: 4, learningRate: 0.05 });
  const { point } = student.module as GaussianDenoiser;
  expect(Math.abs(point[0]! - 1)).toBeLessThan(0.05);
  expect(Math.abs(point[1]! + 1)).toBeLessThan(0.05);
  expect(teacher.point).toEqual([1, -1]);
});

test("it ends by itself when the mean difference is a small part of the answers' variance", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const run = (tolerance: number) => {
    const student = gaussianStudent([3, 0]);
    const imitation = new Imitation({
      teacher,
      student,
      steps: 150,
      batchSize: 4,
      learningRate: 0.05,
      tolerance,
    });
    const losses: number[] = [];
    while (!imitation.finished) losses.push(imitation.step().loss);
    return losses;
  };
  const losses = run(3);
  // The teacher answers mu w + x (1 - w): their variance is known, and the class estimates it. The moving average of the
  // last steps, about ten, has just come below three times of it.
  const enough = 3 * ((1 - weight) * 2.5) ** 2;
  const averages = losses.map((_, end) => {
    const weighted = losses.slice(0, end + 1).map((loss, step) => [loss, 0.9 ** (end - step)] as const);
    return (
      weighted.reduce((sum, [loss, by]) => sum + loss * by, 0) / weighted.reduce((sum, [, by]) => sum + by, 0)
    );
  });
  expect(losses.length).toBeLessThan(150);
  expect(averages.at(-1)).toBeLessThan(1.4 * enough);
  expect(averages.at(-2)).toBeGreaterThan(0.6 * enough);
  expect(run(0).length).toBe(150);
  expect(run(1000).length).toBe(10);
});

test("with the denoiser's own loss, letters imitate by the divergence of their probabilities", () => {
  const config = {
    network: "text-transformer" as const,
    ...{ letters: [..."ab "], textLength: 4 },
    ...{ layers: 1, heads: 1, channelsPerHead: 8 },
  };
  const [teacher, module] = [1, 2].map((seed) => {
    const denoiser = createDenoiser(config, { generator: new Generator(seed) }).eval();
    // Networks start with nothing to say.
    scope(() => {
      for (const weight of denoiser.parameters())
        weight.detach().add_(randn([...weight.shape], { generator: new Generator(seed) }).mul_(0.3));
    });
    return denoiser;
  }) as [PreconditionedDenoiser, PreconditionedDenoiser];
  teacher.requiresGrad_(false);
  const student = new DenoiserStudent(module, { sigmaInit: 2 });
  const options = { teacher, student, batchSize: 16, loss: "own", steps: 60, learningRate: 1e-2 } as const;
  const before = module.clone().eval();
  const imitation = new Imitation(options);
  const first = imitation.step().loss;
  // The same latents: the stream begins with dropout's seed.
  const random = new Generator(0);
  drawInteger(0, 2 ** 31 - 1, { generator: random });
  const z = student.latents(16, random);
  const level = ops.full([16], 2);
  const [wanted, found] = [teacher, before].map((one) => one.denoise(z.mul(2), level).double());
  const divergence = wanted!.mul(wanted!.log().sub(found!.log())).sum(-1).mean().div(Math.log(3)).item();
  expect(divergence).toBeGreaterThan(0.01);
  expect(first).toBeCloseTo(divergence, 5);
  let last = first;
  while (!imitation.finished) last = imitation.step().loss;
  expect(last).toBeLessThan(0.3 * first);
  expect(imitation.iteration).toBe(60);
  const refused = () =>
    new Imitation({ teacher: new GaussianDenoiser([0, 0]), student: gaussianStudent([1, 0]), loss: "own" });
  expect(refused).toThrow("own needs a one-step student");
});

test("the student comes to draw the teacher's samples, at a rate that falls to 0", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const student = gaussianStudent([3, 0]);
  const amounts = { steps: 0, sampleSteps: 200 };
  const samples = teacherPairs(teacher, student, { count: 40, steps: 6, seed: 2 });
  const imitation = new Imitation({
    teacher,
    student,
    samples,
    ...amounts,
    batchSize: 8,
    learningRate: 0.05,
  });
  const losses: number[] = [];
  const rates: number[] = [];
  while (!imitation.finished) {
    rates.push(imitation["trainers"].optimizer.learningRate);
    losses.push(imitation.step().loss);
  }
  expect(losses.length).toBe(200);
  expect(losses.at(-1)).toBeLessThan(0.3 * losses[0]!);
  // Regression's own loss, of the same pairs: G(z) = w mu + (1 - w) sigma z.
  const { latents, samples: wanted } = samples.draw(4000, new Generator(5));
  // The average: of a copy, with e^-1.5 of the start.
  expect(sampleMean(student)).not.toEqual(sampleMean(imitation.average));
  const { point } = student.module as GaussianDenoiser;
  const average = imitation.average.module as GaussianDenoiser;
  for (const axis of [0, 1]) {
    const kept = (average.point[axis]! - point[axis]!) / ([3, 0][axis]! - point[axis]!);
    expect(Math.abs(kept)).toBeGreaterThan(Math.exp(-1.5));
    expect(Math.abs(kept)).toBeLessThan(0.6);
  }
  const residual = wanted.sub(latents!.mul((1 - weight) * 2.5));
  const best = residual.mean([0]).div(weight).toArray() as number[];
  for (const [axis, value] of best.entries()) expect(Math.abs(point[axis]! - value)).toBeLessThan(0.1);
  expect(rates[90]).toBe(0.05);
  expect(rates.at(-1)).toBeLessThan(0.001);
  imitation.settle();
  expect(point).not.toEqual((student.module as GaussianDenoiser).point);
  expect(average.point).toEqual((student.module as GaussianDenoiser).point);
  const none = () => new Imitation({ teacher, student, samples, steps: 0 });
  expect(none).toThrow(/^imitation: "sampleSteps"/);
});

test("one step of the teacher, then its samples; saved and restored anywhere, it goes on bit for bit", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const samples = teacherPairs(teacher, gaussianStudent([3, 0]), { count: 40, steps: 6, seed: 2 });
  const make = () => {
    const options = {
      teacher,
      samples,
      steps: 150,
      sampleSteps: 12,
      tolerance: 3,
      batchSize: 4,
      learningRate: 0.05,
    };
    return new Imitation({ ...options, student: gaussianStudent([3, 0]), execution: { seed: 3 } });
  };
  const whole = make();
  const rates: number[] = [];
  while (!whole.finished) {
    rates.push(whole["trainers"].optimizer.learningRate);
    whole.step();
  }
  const turn = whole.iteration - 12;
  expect(turn).toBeGreaterThanOrEqual(10);
  expect(turn).toBeLessThan(150);
  expect(rates.slice(0, turn + 6).every((rate) => rate === 0.05)).toBe(true);
  expect(whole["trainers"].optimizer.learningRate).toBeLessThan(0.005);
  for (const stop of [4, turn, turn + 1, turn + 9]) {
    const first = make();
    for (let step = 0; step < stop; step++) first.step();
    const second = make();
    second.loadState(first.state());
    while (!second.finished) second.step();
    expect([stop, second.iteration]).toEqual([stop, whole.iteration]);
    expect((second.average.module as GaussianDenoiser).point).toEqual(
      (whole.average.module as GaussianDenoiser).point,
    );
  }
});

test("saved and restored, it goes on bit for bit", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  const [whole, half, rest] = [0, 1, 2].map(() => gaussianStudent([3, 0])) as [
    ReturnType<typeof gaussianStudent>,
    ReturnType<typeof gaussianStudent>,
    ReturnType<typeof gaussianStudent>,
  ];
  const options = { teacher, steps: 6, batchSize: 4, execution: { seed: 3 }, tolerance: 1e-3 };
  imitate({ ...options, student: whole });
  const first = new Imitation({ ...options, student: half });
  for (let step = 0; step < 3; step++) first.step();
  const second = new Imitation({ ...options, student: rest });
  second.loadState(first.state());
  while (!second.finished) second.step();
  expect((rest.module as GaussianDenoiser).point).toEqual((whole.module as GaussianDenoiser).point);
});

test("settings out of their range are refused by name", () => {
  const teacher = new GaussianDenoiser([1, -1]);
  expect(() => new Imitation({ teacher, student: gaussianStudent([0, 0]), steps: 0 })).toThrow('"steps"');
});
