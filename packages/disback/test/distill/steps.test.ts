import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Module, ops, scope } from "@disback/torch";
import { expect, test } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { loadModel } from "../../src/models/storage.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/distill/steps.json", import.meta.url), "utf8"));
const folder = fileURLToPath(new URL("../../assets/teachers/fashion-mnist-16", import.meta.url));

test("three steps of Diff-Instruct agree with PyTorch: loss, gap, gradient, Adam, average", () => {
  const { seed, ...settings } = fixture.settings;
  const student = new DenoiserStudent(loadModel(folder).denoiser, {
    sigmaInit: settings.sigmaInit,
  });
  const distillation = new Backtracking({
    ...settings,
    objective: new DiffInstruct({ oneNoise: false }),
    ...{ teacher: loadModel(folder).denoiser, student, execution: { seed } },
  });
  for (const [step, expected] of fixture.steps.entries()) {
    const figures = distillation.step();
    for (const name of ["loss", "gap", "gradientNorm"] as const)
      expect(figures[name] / expected[name], `${name} of step ${step}`).toBeCloseTo(1, 3);
  }
  expect(norm(student.module) / fixture.norms.student).toBeCloseTo(1, 6);
  expect(norm(distillation.average.module) / fixture.norms.average).toBeCloseTo(1, 6);
  distillation.dispose();
});

/** The joint norm of a network's weights. */
function norm(network: Module): number {
  return scope(() =>
    Math.sqrt(
      network
        .parameters()
        .reduce((sum, weight) => sum + ops.sum(weight.detach().double().square()).item(), 0),
    ),
  );
}
