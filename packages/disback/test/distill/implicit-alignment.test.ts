import { describe, expect, test } from "vitest";
import { Backtracking, backtrack } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { implicitAlignment } from "../../src/distill/implicit-alignment.js";
import { Vsd } from "../../src/distill/objectives/vsd.js";
import { createDenoiser } from "../../src/models/config.js";
import { GaussianDenoiser, gaussianStudent } from "./gaussian.js";
import { farFromTeacher, teacher } from "./towards-teacher.js";

describe("implicit distribution alignment", () => {
  test("moves the auxiliary model's weights towards the student's", () => {
    const [auxiliary, student] = [new GaussianDenoiser([1, 2]), new GaussianDenoiser([3, -2])];
    implicitAlignment(0.75, student, auxiliary)!();
    expect(auxiliary.point).toEqual([1.5, 1]);
    expect(student.point).toEqual([3, -2]);
    expect(implicitAlignment(undefined, student, auxiliary)).toBeUndefined();
  });

  test("happens after each step of the student", () => {
    const run = (idaDecay?: number) => {
      const options = { teacher: teacher(), iterations: 1, batchSize: 8, studentLearningRate: 0.5 };
      const work = new Backtracking({
        ...options,
        student: gaussianStudent([-1, 0.5]),
        auxiliaryLearningRate: 1e-9,
        idaDecay,
      });
      work.step();
      const [auxiliary, student] = ["auxiliary model", "student"].map((name) => work.networks[name]!);
      return { auxiliary: auxiliary as GaussianDenoiser, student: student as GaussianDenoiser };
    };
    expect(run().auxiliary.point[0]).toBeCloseTo(1, 6);
    const { auxiliary, student } = run(0.9);
    expect(auxiliary.point[0]).toBeCloseTo(0.9 * 1 + 0.1 * student.point[0]!, 6);
  });

  test("brings the student to the teacher, with a slow auxiliary model", () => {
    const student = gaussianStudent([-1, 0.5]);
    const before = farFromTeacher(student);
    const rates = { studentLearningRate: 0.02, auxiliaryLearningRate: 1e-3 };
    const options = { teacher: teacher(), iterations: 300, batchSize: 64, ...rates, idaDecay: 0.9 };
    expect(farFromTeacher(backtrack({ ...options, student }))).toBeLessThan(0.15 * before);
  });

  test("says what it needs", () => {
    const [one, other] = [new GaussianDenoiser([0]), new GaussianDenoiser([0, 0])];
    expect(() => implicitAlignment(1, one, one)).toThrow(/"idaDecay" must be between 0 and 1, not 1/);
    expect(() => implicitAlignment(0.9, one, other)).toThrow(/architecture; "mean" differs/);
    expect(() => implicitAlignment(0.9, one, undefined)).toThrow(
      /needs an objective with an auxiliary model/,
    );
    const denoiser = createDenoiser({ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 });
    const student = new DenoiserStudent(denoiser.clone(), { sigmaInit: 1 });
    const adapters = { teacher: denoiser, student, objective: new Vsd(), idaDecay: 0.9 };
    expect(() => new Backtracking(adapters)).toThrow(/architecture; "model/);
  });
});
