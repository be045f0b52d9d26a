import { Generator, mergeStates, prefixState, type State } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { divergences } from "../../../src/distill/objectives/divergences.js";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { Ect } from "../../../src/distill/objectives/ect.js";
import { FDistill } from "../../../src/distill/objectives/f-distill.js";
import { Ladd } from "../../../src/distill/objectives/ladd.js";
import { MeanFlow } from "../../../src/distill/objectives/meanflow.js";
import { MomentMatching } from "../../../src/distill/objectives/moment-matching.js";
import { Scm } from "../../../src/distill/objectives/scm.js";
import { Sida } from "../../../src/distill/objectives/sida.js";
import { Sim } from "../../../src/distill/objectives/sim.js";
import { Tcm } from "../../../src/distill/objectives/tcm.js";
import { createDenoiser } from "../../../src/models/config.js";
import {
  difference,
  expectAuxiliary,
  expectDirect,
  expectGradients,
  given,
  headsState,
  realSamples,
  scene,
  withHead,
} from "./scene.js";

/** The state after some steps. */
const counted = (steps: number): State => ({ tensors: new Map(), values: { steps } });

describe("the student's gradient is PyTorch's", () => {
  test.each(divergences)("f-distill, %s", (divergence) => {
    const at = scene();
    const options = { divergence, ratioBounds: [0.5, 1.2], generatorWeight: 0.05 } as const;
    at.studentSignal(withHead(new FDistill({ ...options, real: realSamples() }), at));
    expectGradients(at, `f-distill.${divergence}`);
  });

  test.each([0.00054, 0.3])("sim, constant %s", (huber) => {
    const at = scene();
    at.studentSignal(new Sim({ huber }));
    expectGradients(at, `sim.${huber}`);
  });

  test("sida", () => {
    const at = scene();
    at.studentSignal(new Sida({ real: realSamples(), generatorWeight: 0.3 }));
    expectGradients(at, "sida");
  });

  test.each([1, 3])("ect, stage %s", (stage) => {
    const objective = new Ect({ data: realSamples(), stageSteps: 10 });
    expectDirect(objective, `ect.${stage}`, () => counted(10 * stage));
  });

  test("tcm, second stage", () => {
    const options = { firstSteps: 10, stageSteps: 10, stages: 5, boundaryShare: 0.34 };
    expectDirect(new Tcm({ data: realSamples(), ...options }), "tcm", ({ auxiliary }) =>
      mergeStates(
        counted(10),
        prefixState("first", { tensors: auxiliary.stateDict(), values: { images: 0 } }),
      ),
    );
  });

  test.each([
    ["teacher", 3],
    ["data", 20],
  ] as const)("scm, direction of the %s", (velocity, steps) => {
    const objective = new Scm({ data: realSamples(), velocity, warmupSteps: 10 });
    expectDirect(objective, `scm.${velocity}`, () => counted(steps));
  });

  test("scm with a learned weight of the noise levels", () => {
    const at = scene();
    const { student, teacher } = at;
    const options = { velocity: "data", warmupSteps: 10, learnedWeight: true } as const;
    const objective = new Scm({ data: realSamples(), ...options });
    objective.prepare({ student, teacher, seed: 3 });
    const weights = ["weight", "bias"].map((name) => [`out.${name}`, given(`scm.learned.${name}`)] as const);
    const learned = prefixState("weight", { tensors: new Map(weights), values: {} });
    objective.loadState(mergeStates(counted(20), learned));
    objective.beforeStep();
    const loss = objective.loss({ student, teacher, count: 6, random: new Generator(7) });
    expect(difference(loss, "scm.learned.loss")).toBeLessThan(1e-5);
    loss.backward();
    expectGradients(at, "scm.learned");
    expect(objective.parameters()).toHaveLength(2);
    objective.parameters().forEach((weight, index) => {
      expect(difference(weight.grad!, `scm.learned.own.gradient${index}`)).toBeLessThan(2e-5);
    });
  });

  test("scm by a finite difference, as near as float32 allows", () => {
    const data = realSamples();
    const objective = new Scm({ data, velocity: "data", derivative: "difference", warmupSteps: 10 });
    expectDirect(objective, "scm.data", () => counted(20), 1e-3);
  });

  test.each([
    ["teacher", "forward", 2e-5],
    ["data", "forward", 2e-5],
    ["data", "difference", 2e-3],
  ] as const)("meanflow, velocity of the %s, derivative %s", (velocity, derivative, tolerance) => {
    const shape = { network: "mlp", dimension: 3, hiddenChannels: 8, blocks: 1, labelDim: 2 } as const;
    const module = createDenoiser({ ...shape, augmentDim: 2 });
    const keys = [...module.stateDict().keys()];
    module.loadStateDict(new Map(keys.map((key) => [key, given(key.replace("model.", "mlp."))])));
    const student = new DenoiserStudent(module, { sigmaInit: 80 });
    const { teacher } = scene();
    const objective = new MeanFlow({ data: realSamples(), velocity, derivative, intervalShare: 0.6 });
    objective.prepare({ student, teacher, seed: 3 });
    const loss = objective.loss({ student, teacher, count: 6, random: new Generator(7) });
    expect(difference(loss, `meanflow.${velocity}.loss`)).toBeLessThan(tolerance);
    loss.backward();
    expect(module.parameters()).toHaveLength(14);
    module.parameters().forEach((weight, index) => {
      expect(difference(weight.grad!, `meanflow.${velocity}.gradient${index}`)).toBeLessThan(tolerance);
    });
    for (const weight of teacher.parameters()) expect(weight.grad).toBeUndefined();
  });

  test.each([
    ["ladd", 1],
    ["ladd.layers", 2],
  ] as const)("%s", (name, depths) => {
    expectDirect(new Ladd({ real: realSamples() }), name, () => headsState(depths), 2e-5, scene(depths));
  });

  test("moment-matching: that of Diff-Instruct", () => {
    const at = scene();
    at.studentSignal(new MomentMatching());
    expectGradients(at, "diff-instruct.one");
  });
});

describe("loss and gradients of the auxiliary model are PyTorch's", () => {
  const adversarial = { discriminatorWeight: 0.02, r1Weight: 3, r1Deviation: 0.2 };

  test.each([
    ["dmd2", () => new Dmd2({ real: realSamples(), ...adversarial })],
    ["f-distill", () => new FDistill({ real: realSamples(), ...adversarial })],
  ])("%s with R1", (_, objective) => {
    const at = scene();
    expectAuxiliary(withHead(objective(), at), at, "r1.auxiliary");
  });

  test("sida", () => {
    const at = scene();
    expectAuxiliary(new Sida({ real: realSamples(), discriminatorWeight: 0.7 }), at, "sida.auxiliary");
  });

  test.each([
    ["ladd", 1],
    ["ladd.layers", 2],
  ] as const)("%s: its discriminator", (name, depths) => {
    const { student, teacher } = scene(depths);
    const objective = new Ladd({ real: realSamples() });
    objective.prepare({ student, teacher, seed: 3 });
    objective.loadState(headsState(depths));
    const loss = objective.ownLoss({ student, teacher, count: 6, random: new Generator(7) });
    loss.backward();
    expect(difference(loss, `${name}.own.loss`)).toBeLessThan(1e-5);
    expect(objective.parameters()).toHaveLength(4 * depths);
    objective.parameters().forEach((weight, index) => {
      expect(difference(weight.grad!, `${name}.own.gradient${index}`)).toBeLessThan(2e-5);
    });
    for (const weight of [...student.module.parameters(), ...teacher.parameters()])
      expect(weight.grad).toBeUndefined();
  });

  test("moment-matching", () => {
    expectAuxiliary(new MomentMatching({ targetWeight: 0.6 }), scene(), "moment-matching.auxiliary");
  });
});
