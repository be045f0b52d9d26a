import { describe, test } from "vitest";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { divergences, FDistill } from "../../../src/distill/objectives/f-distill.js";
import { MomentMatching } from "../../../src/distill/objectives/moment-matching.js";
import { Sida } from "../../../src/distill/objectives/sida.js";
import { Sim } from "../../../src/distill/objectives/sim.js";
import { expectAuxiliary, expectGradients, realSamples, scene, withHead } from "./scene.js";

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

  test("moment-matching", () => {
    expectAuxiliary(new MomentMatching({ targetWeight: 0.6 }), scene(), "moment-matching.auxiliary");
  });
});
