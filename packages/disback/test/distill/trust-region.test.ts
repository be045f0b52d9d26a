import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, memoryStatistics } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { Recording, record } from "../../src/distill/record.js";
import { shortenStep, TrustRegion } from "../../src/distill/trust-region.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-trust-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const teacherAt = [1, -1];
const options = (name: string, nodes: number, learningRate = 0.3) => ({
  teacher: new GaussianDenoiser(teacherAt),
  student: gaussianStudent([-1, 0.5]),
  folder: join(folder, name),
  steps: 200,
  nodes: new TrustRegion(nodes),
  batchSize: 256,
  learningRate,
});

/**
 * The distance of two Gaussian denoisers is `c |mu_a - mu_b|`, with `c^2 = E[sigma^2 / (s^2 + sigma^2)] / (2 s^2)` over the
 * levels of the probes, which are drawn two seeds after the recording's (see record.test.ts).
 */
function scale(): number {
  const levels = Array.from(new LogNormal().sample(64, new Generator(2)).data() as Float32Array);
  const mean = levels.reduce((sum, sigma) => sum + sigma ** 2 / (0.25 + sigma ** 2), 0) / levels.length;
  return Math.sqrt(mean / 0.25 / 2);
}

test.each([5, 20])("long steps, %i nodes asked for: that many, at equal distances", (count) => {
  // At this rate Adam's first steps go 0.3 in each coordinate, a sixth of the way.
  const given = options("path", count);
  const { nodes } = record(given);
  expect(nodes.length).toBeGreaterThanOrEqual(count - 1);
  expect(nodes.length).toBeLessThanOrEqual(1.5 * count);
  const goal = sampleMean(given.student);
  const way = scale() * Math.hypot(teacherAt[0]! - goal[0]!, teacherAt[1]! - goal[1]!);
  const spacing = way / count;
  for (const { distance } of nodes.slice(0, -1)) {
    // The trial ends near the goal, not at it: Adam's steps do not become small.
    expect(distance / spacing).toBeGreaterThan(0.75);
    expect(distance / spacing).toBeLessThan(1.25);
  }
  const spread = nodes.slice(0, -1).map(({ distance }) => distance);
  expect(Math.max(...spread) / Math.min(...spread)).toBeLessThan(1 / 0.89);
});

test("the trial changes neither teacher nor student, and keeps nothing", () => {
  const given = options("clean", 4);
  const left = (run: () => void) => {
    const before = memoryStatistics().tensors;
    run();
    return memoryStatistics().tensors - before;
  };
  // As much as a recording with another rule.
  const { nodes: _, ...even } = options("even", 4);
  const usual = left(() => void record(even));
  expect(left(() => void record(given))).toBe(usual);
  expect(given.teacher.point).toEqual(teacherAt);
  expect(given.student.module.parameters()[0]!.toArray()).toEqual([-1, 0.5]);
});

test("an interrupted recording gives the same nodes, bit for bit, without a second trial", () => {
  const whole = record(options("whole", 8));
  for (const stop of [1, 4]) {
    const name = `parts-${stop}`;
    const first = new Recording(options(name, 8));
    for (let done = 0; done < stop; done++) first.step();
    const state = first.state();
    const copy = { ...state, tensors: new Map([...state.tensors].map(([key, t]) => [key, t.clone()])) };
    first.step();
    const region = new TrustRegion(8);
    const second = new Recording({ ...options(name, 8), nodes: region, resume: true });
    second.loadState(copy);
    expect(region.measured).toBe(true);
    while (!second.finished) second.step();
    expect(second.trajectory.nodes).toEqual(whole.nodes);
    const { file } = whole.nodes.at(-1)!;
    expect(readFileSync(join(folder, name, file))).toEqual(readFileSync(join(folder, "whole", file)));
  }
});

test("a step is shortened to end within the limit, wherever on its line that is", () => {
  const model = new GaussianDenoiser([3, 4]);
  const origin = [new GaussianDenoiser([0, 0]).mean];
  // The distance grows as the square: the secant rule has to search.
  const distance = () => Math.hypot(...model.point) ** 2;
  const share = shortenStep(model, { before: origin, limit: 1, distance });
  expect(distance()).toBeLessThanOrEqual(1);
  expect(distance()).toBeGreaterThan(0.9);
  expect(share).toBeCloseTo(Math.hypot(...model.point) / 5, 5);
  const kept = model.point;
  expect(shortenStep(model, { before: origin, limit: 1, distance })).toBe(1);
  expect(model.point).toEqual(kept);
});

test("wrong numbers are refused in one line", () => {
  expect(() => new TrustRegion(1)).toThrow(/^recording: "nodes" must be a whole number from 2, not 1$/);
  expect(() => new TrustRegion(2.5)).toThrow(/not 2.5/);
  expect(() => new Recording({ ...options("few", 8), steps: 15 })).toThrow(
    /"steps" must be at least twice the number of nodes \(8\), not 15/,
  );
  expect(record(options("named", 4)).provenance.nodes).toBe("4 pieces of equal length");
});
