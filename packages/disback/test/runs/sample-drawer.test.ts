import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cat, Generator, memoryStatistics, randn, scope, type Tensor, tensor } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { GuidedDenoiser } from "../../src/models/guided-denoiser.js";
import type { SampleCodec } from "../../src/models/sample-codec.js";
import { ddim, euler, heun } from "../../src/models/samplers.js";
import {
  type DrawingOptions,
  decodedDrawer,
  openDrawer,
  type SampleDrawer,
  studentDrawer,
  teacherDrawer,
} from "../../src/runs/sample-drawer.js";
import { writeStudentFile } from "../../src/runs/student-file.js";
import { GaussianDenoiser } from "../distill/gaussian.js";
import { fill } from "../models/fixtures.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-drawer-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const network = (labelDim: number) => {
  const config = parseDenoiserConfig({
    ...{ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1, labelDim },
    ...(labelDim === 3 ? { classNames: ["cat", "dog", "Fox"] } : {}),
  });
  const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
  fill(denoiser, 3);
  return { denoiser, config };
};
const drawing: DrawingOptions & { steps: number } = {
  ...{ seed: 7, device: "cpu", steps: 3, sampler: "heun", sigmaMin: 0.002, sigmaMax: 80, rho: 7 },
};
const rows = ({ samples }: { samples: Tensor }) => samples.toArray() as number[][];
const drawn = (drawer: SampleDrawer, ...counts: number[]) =>
  counts.flatMap((count) => rows(drawer.draw(count)));
const oneHot = (labels: number[], classes: number) =>
  tensor(labels.map((label) => Array.from({ length: classes }, (_, k) => (k === label ? 1 : 0))));

describe("a student's samples", () => {
  const student = new DenoiserStudent(new GaussianDenoiser([1, -1]), { sigmaInit: 2.5 });
  const drawer = (seed = 7) => studentDrawer(student, { seed, device: "cpu" });

  it("are made of the seed's noise, in one evaluation", () => {
    const latents = randn([5, 2], { generator: new Generator(7) });
    expect(drawn(drawer(), 5)).toEqual(student.generate(latents).toArray());
    expect(drawer()).toMatchObject({ evaluations: 1, labelDim: 0, sampleShape: [2] });
    expect(drawer().draw(2).labels).toBeUndefined();
  });

  it("are the same for the same seed, and others for another", () => {
    expect(drawn(drawer(), 3, 4)).toEqual(drawn(drawer(), 3, 4));
    expect(drawn(drawer(8), 3)).not.toEqual(drawn(drawer(), 3));
  });

  it("that are left out are those that would have come", () => {
    const skipping = drawer();
    const [first] = [drawn(skipping, 3)];
    const before = memoryStatistics().tensors;
    skipping.skip(4);
    expect(memoryStatistics().tensors).toBe(before);
    const all = drawn(drawer(), 3, 4, 5);
    expect([...first!, ...drawn(skipping, 5)]).toEqual([...all.slice(0, 3), ...all.slice(7)]);
  });

  it("are ordinary tensors, which gradients may pass by", () => {
    const { samples } = drawer().draw(2);
    const weight = tensor([2]).requiresGrad_();
    samples.mul(weight).sum().backward();
    expect(weight.grad!.item()).toBeCloseTo(samples.sum().item(), 5);
  });

  it("of several steps start from the noise of a single one; later noise is another seed's", () => {
    const several = new DenoiserStudent(student.module, { sigmaInit: 2.5, laterSigmas: [0.8, 0.2] });
    const later = new Generator(8);
    const noise = [
      randn([4, 2], { generator: new Generator(7) }),
      ...[0, 1].map(() => randn([4, 2], { generator: later })),
    ];
    const latents = cat(
      noise.map((one) => one.unsqueeze(1)),
      1,
    );
    const made = studentDrawer(several, { seed: 7, device: "cpu" });
    expect(made.evaluations).toBe(3);
    expect(drawn(made, 4)).toEqual(several.generate(latents).toArray());
  });
});

describe("classes", () => {
  const { denoiser } = network(3);
  const student = new DenoiserStudent(denoiser, { sigmaInit: 2.5 });
  const drawer = (label?: number | string) => studentDrawer(student, { seed: 7, device: "cpu", label });

  it("come in turn, over batches and what is left out", () => {
    const all = drawer();
    const [first, second] = [all.draw(4), all.draw(1)];
    expect([first.labels, second.labels]).toEqual([[0, 1, 2, 0], [1]]);
    all.skip(2);
    expect(all.draw(2).labels).toEqual([1, 2]);
    const latents = randn([4, 2], { generator: new Generator(7) });
    expect(rows(first)).toEqual(student.generate(latents, { class: oneHot([0, 1, 2, 0], 3) }).toArray());
  });

  it.each([
    [2, 2],
    ["dog", 1],
    ["FOX", 2],
    [0, 0],
  ])("%s is one of them", (label, number) => {
    const latents = randn([3, 2], { generator: new Generator(7) });
    const { labels, samples } = drawer(label).draw(3);
    expect(labels).toEqual([number, number, number]);
    expect(samples.toArray()).toEqual(
      student.generate(latents, { class: oneHot([number, number, number], 3) }).toArray(),
    );
  });

  it.each([3, -1, 0.5, Number.NaN, "dgo"])("%s is none of them", (label) => {
    expect(() => drawer(label)).toThrow(`--label ${label}: this model's classes are 0 to 2: cat, dog, Fox`);
  });

  it("a misspelt one is corrected; classes without names are told by their numbers alone", () => {
    expect(() => drawer("dgo")).toThrow('(did you mean "dog"?)');
    const { denoiser: plain } = network(4);
    expect(() =>
      studentDrawer(new DenoiserStudent(plain, { sigmaInit: 1 }), { seed: 0, device: "cpu", label: 4 }),
    ).toThrow(/^--label 4: this model's classes are 0 to 3$/);
    const none = new DenoiserStudent(new GaussianDenoiser([0, 0]), { sigmaInit: 1 });
    expect(() => studentDrawer(none, { seed: 0, device: "cpu", label: 0 })).toThrow(
      "--label 0: this model has no classes",
    );
  });
});

describe("a teacher's samples", () => {
  const { denoiser } = network(3);
  const latents = () => randn([3, 2], { generator: new Generator(7) });
  const condition = { class: oneHot([0, 1, 2], 3) };
  const schedule = { steps: 3, sigmaMin: 0.002, sigmaMax: 80, rho: 7, condition };

  it.each([
    ["heun", heun, 5],
    ["euler", euler, 3],
    ["ddim", ddim, 3],
  ] as const)("by %s are the sampler's", (sampler, run, evaluations) => {
    const drawer = teacherDrawer(denoiser, { ...drawing, sampler });
    expect(drawer.evaluations).toBe(evaluations);
    expect(drawn(drawer, 3)).toEqual(run(denoiser, latents(), schedule).toArray());
  });

  it("guided take twice as many evaluations", () => {
    const drawer = teacherDrawer(denoiser, { ...drawing, guidance: 2 });
    expect(drawer.evaluations).toBe(10);
    expect(drawn(drawer, 3)).toEqual(heun(new GuidedDenoiser(denoiser, 2), latents(), schedule).toArray());
    expect(() => teacherDrawer(new GaussianDenoiser([0, 0]), { ...drawing, guidance: 2 })).toThrow(
      "--guidance 2: this model has no classes or prompts to be guided to",
    );
  });
});

describe("a model that is opened", () => {
  const { denoiser, config } = network(3);
  beforeAll(() => {
    for (const name of ["teacher", "one", "two"]) saveModel(join(folder, name), denoiser, config);
    writeStudentFile(join(folder, "one"), { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] });
    writeStudentFile(join(folder, "two"), { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [0.5] });
  });
  const { steps: _, ...options } = drawing;

  it("is a student if its folder says so, with its own steps", async () => {
    const one = await openDrawer(join(folder, "one"), options);
    expect([one.evaluations, one.sampleShape, one.labelDim]).toEqual([1, [2], 3]);
    const latents = randn([2, 2], { generator: new Generator(7) });
    const expected = new DenoiserStudent(denoiser, { sigmaInit: 2.5 }).generate(latents, {
      class: oneHot([0, 1], 3),
    });
    expect(drawn(one, 2)).toEqual(expected.toArray());
    const two = await openDrawer(join(folder, "two"), { ...options, steps: 2 });
    expect(two.evaluations).toBe(2);
    await expect(openDrawer(join(folder, "two"), { ...options, steps: 1 })).rejects.toThrow(
      `--steps 1: ${join(folder, "two")} is a 2-step student`,
    );
    await expect(openDrawer(join(folder, "one"), { ...options, guidance: 2 })).rejects.toThrow(
      `--guidance 2: ${join(folder, "one")} is a student, which learned its guidance`,
    );
  });

  it("is a teacher otherwise, of 18 steps if none are given", async () => {
    const teacher = await openDrawer(join(folder, "teacher"), options);
    expect(teacher.evaluations).toBe(35);
    const three = await openDrawer(join(folder, "teacher"), drawing);
    expect(drawn(three, 3)).toEqual(drawn(teacherDrawer(denoiser, drawing), 3));
  });

  it("asked without labels has no classes", async () => {
    const plain = await openDrawer(join(folder, "teacher"), { ...drawing, unconditional: true });
    expect([plain.labelDim, plain.draw(2).labels]).toEqual([0, undefined]);
  });
});

it("what is drawn is decoded for those who look, and what lies between is released", () => {
  const codec: SampleCodec = {
    shownShape: [1],
    encode: () => expect.unreachable(),
    decode: (samples) => samples.sum(1, true).mul(2),
    save: () => {},
  };
  const student = new DenoiserStudent(new GaussianDenoiser([1, -1]), { sigmaInit: 2.5 });
  const plain = studentDrawer(student, { seed: 7, device: "cpu" });
  const shown = decodedDrawer(studentDrawer(student, { seed: 7, device: "cpu" }), codec);
  expect([shown.sampleShape, shown.evaluations]).toEqual([[1], 1]);
  const expected = drawn(plain, 3).map(([x, y]) => 2 * (x! + y!));
  const before = memoryStatistics().tensors;
  const { samples } = shown.draw(3);
  expect(memoryStatistics().tensors).toBe(before + 1);
  for (const [place, value] of expected.entries())
    expect(samples.at(place).at(0).item()).toBeCloseTo(value, 5);
  scope(() => shown.skip(2));
  expect(samples.shape).toEqual([3, 1]);
});
