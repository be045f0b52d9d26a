import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Module } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { backtrack } from "../../src/distill/backtrack.js";
import { checkpointTrajectory } from "../../src/distill/checkpoint-trajectory.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-checkpoints-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const checkpoint = (...mean: number[]) => ({
  name: mean.join(),
  loadInto: (model: Module) => void model.loadStateDict(new GaussianDenoiser(mean).stateDict()),
});
const teacher = new GaussianDenoiser([1, -1]);
const options = (name: string) => ({
  teacher,
  student: gaussianStudent([-1, 1]),
  folder: join(folder, name),
  storage: { kind: "full" as const },
});

test("the teacher's training backwards, without the checkpoint that is the teacher", () => {
  const checkpoints = [checkpoint(0, 0), checkpoint(0.5, -0.5), checkpoint(0.75, -0.75), checkpoint(1, -1)];
  const path = checkpointTrajectory({ ...options("path"), checkpoints });
  const model = new GaussianDenoiser([9, 9]);
  const points = path.nodes.map((_, place) => {
    path.loadInto(model, place + 1);
    return model.point;
  });
  expect(points).toEqual([
    [0.75, -0.75],
    [0.5, -0.5],
    [0, 0],
  ]);
  // Distances of Gaussian denoisers are proportional to those of their means (see record.test.ts).
  const [first, second, third] = path.nodes.map(({ distance }) => distance);
  expect(second! / first!).toBeCloseTo(1, 4);
  expect(third! / first!).toBeCloseTo(2, 4);
  // The nearer to the student, the smaller the loss on its samples.
  expect(path.nodes[2]!.loss).toBeLessThan(path.nodes[0]!.loss);
  expect(path.provenance).toMatchObject({ nodes: "the teacher's checkpoints" });
  expect(teacher.point).toEqual([1, -1]);
  const result = backtrack({
    ...{ teacher, student: gaussianStudent([-1, 1]), trajectory: path, iterations: 300, batchSize: 64 },
    ...{ studentLearningRate: 0.05, auxiliaryLearningRate: 0.1 },
  });
  const [x, y] = sampleMean(result);
  expect(Math.hypot(x! - 1, y! + 1)).toBeLessThan(0.6);
});

test("checkpoints that are all the teacher are no trajectory", () => {
  expect(() => checkpointTrajectory({ ...options("same"), checkpoints: [checkpoint(1, -1)] })).toThrow(
    /^trajectory: no checkpoint differs from the teacher$/,
  );
});
