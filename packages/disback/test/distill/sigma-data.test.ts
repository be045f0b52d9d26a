import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawInteger, Generator, randn, type Tensor } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { Recording } from "../../src/distill/record.js";
import { GaussianDenoiser } from "./gaussian.js";

// A teacher of latents has sigmaData 1, points and images here 0.5: each weights its losses by its own,
// lambda = (sigma^2 + sigmaData^2) / (sigma sigmaData)^2. By hand, from the stream of random numbers that a step draws.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-sigma-data-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COUNT = 32;
const VARIANCE = 0.25;

/** The draws of a step's beginning: dropout's seed, latents, and a fit's noise levels and noise. */
function drawsOf(seed: number): { latents: number[][]; sigma: Float32Array; noise: number[][] } {
  const generator = new Generator(seed);
  drawInteger(0, 2 ** 31 - 1, { generator, device: "cpu" });
  const points = () => randn([COUNT, 2], { generator }).toArray() as number[][];
  const latents = points();
  const sigma = new LogNormal().sample(COUNT, generator).data() as Float32Array;
  return { latents, sigma, noise: points() };
}

/** What a Gaussian denoiser of the given mean makes of a number. */
const estimate = (x: number, sigma: number, mean: number) =>
  (VARIANCE * x + sigma ** 2 * mean) / (VARIANCE + sigma ** 2);

/** The denoising loss of a model on the first samples of a student, with plain numbers. */
function lossByHand(seed: number, model: number[], student: number[], sigmaData: number): number {
  const { latents, sigma, noise } = drawsOf(seed);
  const all = latents.flatMap((row, n) =>
    row.map((z, axis) => {
      const [s, clean] = [sigma[n]!, estimate(2.5 * z, 2.5, student[axis]!)];
      const error = estimate(clean + s * noise[n]![axis]!, s, model[axis]!) - clean;
      return ((s ** 2 + sigmaData ** 2) / (s * sigmaData) ** 2) * error ** 2;
    }),
  );
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}

describe.each([0.5, 1, 0.1])("with sigmaData %f", (sigmaData) => {
  const [mean, start] = [
    [1, -1],
    [-1, 0.5],
  ];
  const teacher = () => new GaussianDenoiser(mean, { sigmaData });
  const student = () => new DenoiserStudent(new GaussianDenoiser(start, { sigmaData }), { sigmaInit: 2.5 });
  const common = { batchSize: COUNT, execution: { seed: 7 } };
  const expected = lossByHand(7, mean, start, sigmaData);
  const close = (value: number) => expect(value / expected).toBeCloseTo(1, 4);

  it("a recording's first loss is the teacher's, weighted by it", () => {
    const recording = new Recording({
      ...common,
      ...{ teacher: teacher(), student: student(), folder: join(folder, `path-${sigmaData}`) },
    });
    close(recording.step().loss);
    recording.dispose();
  });

  it("so is a backtracking's, whose auxiliary model starts as the teacher, and its mismatch", () => {
    const work = new Backtracking({ ...common, teacher: teacher(), student: student() });
    close(work.step().loss);
    work.dispose();
  });
});

it("the values by hand tell the weights apart", () => {
  const of = (sigmaData: number) => lossByHand(7, [1, -1], [-1, 0.5], sigmaData);
  expect(of(0.5) / of(1)).toBeGreaterThan(1.5);
  expect(of(0.1) / of(0.5)).toBeGreaterThan(5);
});

it("distances along a path are weighted by it too", () => {
  const distance = (sigmaData: number) => {
    const recording = new Recording({
      ...{ teacher: new GaussianDenoiser([1, -1], { sigmaData }), folder: join(folder, `far-${sigmaData}`) },
      student: new DenoiserStudent(new GaussianDenoiser([-1, 0.5], { sigmaData }), { sigmaInit: 2.5 }),
      ...{ steps: 1, nodes: [1], learningRate: 0.1 },
    });
    recording.step();
    const [node] = recording.trajectory.nodes;
    recording.dispose();
    return node!.distance;
  };
  // The first step of Adam has the learning rate's length whatever the loss: what differs is the outline's weight.
  const noise = new LogNormal().sample(64, new Generator(2)) as Tensor;
  const rootMeanWeight = (sigmaData: number) => {
    const levels = Array.from(noise.data() as Float32Array);
    const squares = levels.map(
      (s) => ((s ** 2 + sigmaData ** 2) / (s * sigmaData) ** 2) * (s ** 2 / (VARIANCE + s ** 2)) ** 2,
    );
    return Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length);
  };
  for (const sigmaData of [0.5, 1])
    expect(distance(sigmaData) / (0.1 * rootMeanWeight(sigmaData))).toBeCloseTo(1, 3);
});
