import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ops, scope } from "@disback/torch";
import { expect, test } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { StudentGenerator } from "../../src/distill/student-generator.js";
import type { DenoiserModule } from "../../src/models/denoiser.js";
import { loadModel } from "../../src/models/storage.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/distill/steps.json", import.meta.url), "utf8"));
const folder = fileURLToPath(new URL("../../assets/teachers/fashion-mnist-16", import.meta.url));

test("three steps of Diff-Instruct agree with PyTorch: loss, gap, gradient, Adam, average", () => {
  const { settings } = fixture;
  const generator = new StudentGenerator(loadModel(folder).denoiser, {
    sigmaInit: settings.sigmaInit,
    sampleShape: [1, 16, 16],
    labelDim: 10,
  });
  const distillation = new Backtracking({ ...settings, teacher: loadModel(folder).denoiser, generator });
  for (const [step, expected] of fixture.steps.entries()) {
    const figures = distillation.step();
    for (const name of ["loss", "gap", "gradientNorm"] as const)
      expect(figures[name] / expected[name], `${name} of step ${step}`).toBeCloseTo(1, 3);
  }
  expect(norm(generator.denoiser) / fixture.norms.student).toBeCloseTo(1, 6);
  expect(norm(distillation.average.denoiser) / fixture.norms.average).toBeCloseTo(1, 6);
  distillation.dispose();
});

/** The joint norm of a network's weights. */
function norm(network: DenoiserModule): number {
  return scope(() =>
    Math.sqrt(
      network
        .parameters()
        .reduce((sum, weight) => sum + ops.sum(weight.detach().double().square()).item(), 0),
    ),
  );
}
