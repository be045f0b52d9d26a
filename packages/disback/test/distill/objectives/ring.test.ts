import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, inferenceMode, setNumThreads } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../../src/data/dataset.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import type { DirectObjective } from "../../../src/distill/direct-objective.js";
import { type DistillationOptions, distill } from "../../../src/distill/distill.js";
import type { Objective } from "../../../src/distill/objective.js";
import { Ect } from "../../../src/distill/objectives/ect.js";
import { FDistill } from "../../../src/distill/objectives/f-distill.js";
import { Ladd } from "../../../src/distill/objectives/ladd.js";
import { MeanFlow } from "../../../src/distill/objectives/meanflow.js";
import { MomentMatching } from "../../../src/distill/objectives/moment-matching.js";
import { Scm } from "../../../src/distill/objectives/scm.js";
import { Sida } from "../../../src/distill/objectives/sida.js";
import { Sim } from "../../../src/distill/objectives/sim.js";
import { Tcm } from "../../../src/distill/objectives/tcm.js";
import { SamplePool } from "../../../src/distill/sample-pool.js";
import { slicedWasserstein } from "../../../src/metrics/sliced-wasserstein.js";
import { loadModel } from "../../../src/models/config.js";
import { withInterval } from "../../../src/models/with-interval.js";

/** Short runs on the shipped teacher of a ring in the plane. */
const TEACHER = fileURLToPath(new URL("../../../assets/teachers/2d-ring", import.meta.url));
const { denoiser: teacher, config } = loadModel(TEACHER);
const ring = await openDataset("toy:ring");
const points = async (count: number) =>
  (await ring.batch(Array.from({ length: count }, (_, i) => i))).samples;
const data = await points(2000);
const real = () => new SamplePool({ samples: data.clone() });

let folder: string;
beforeAll(() => {
  setNumThreads(1);
  folder = mkdtempSync(join(tmpdir(), "disback-ring-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Distance of a student's samples to the ring. */
function distance(student: DenoiserStudent): number {
  return inferenceMode(() => {
    student.module.eval();
    const made = student.generate(student.latents(2000, new Generator(5)));
    return slicedWasserstein(made, data);
  });
}

const backtracking = {
  batchSize: 128,
  studentLearningRate: 1e-3,
  auxiliaryLearningRate: 2e-3,
  emaDecay: 0.9,
} satisfies DistillationOptions["backtracking"];

function improvement(
  objective: Objective | DirectObjective,
  student: DenoiserStudent,
  more: Partial<DistillationOptions>,
  iterations: number,
): number {
  const before = distance(student);
  const options = { ...backtracking, objective, iterations };
  const execution = { seed: 3 };
  const result = distill({ teacher, student, method: "plain", execution, ...more, backtracking: options });
  return distance(result.student) / before;
}

const copy = (sigmaInit: number) => new DenoiserStudent(teacher.clone().requiresGrad_(true), { sigmaInit });

describe("with an auxiliary model", () => {
  const objectives: [string, () => Objective, object?][] = [
    ["f-distill", () => new FDistill({ real: real() })],
    ["sida", () => new Sida({ real: real() })],
    ["sim", () => new Sim()],
    ["moment-matching", () => new MomentMatching()],
  ];

  test.each(objectives)("%s brings a copy of the teacher to the ring", (_, objective) => {
    expect(improvement(objective(), copy(2.5), {}, 50)).toBeLessThan(0.4);
  });

  test.each(objectives)("%s brings it there along a trajectory", (name, objective) => {
    const recording = { steps: 10, batchSize: 64 };
    const more = { method: "disback", folder: join(folder, name), recording } as const;
    expect(improvement(objective(), copy(2.5), more, 80)).toBeLessThan(0.5);
  });
});

test.each([
  ["ect", () => new Ect({ data: real(), stageSteps: 25 }), 0.8],
  ["tcm", () => new Tcm({ data: real(), stageSteps: 20, firstSteps: 100 }), 0.8],
  ["scm", () => new Scm({ data: real(), warmupSteps: 50 }), 0.8],
  ["ladd", () => new Ladd({ real: real() }), 0.5],
] as [string, () => DirectObjective, number][])(
  "%s brings a copy of the teacher nearer",
  (name, objective, share) => {
    expect(improvement(objective(), copy(name === "ladd" ? 2.5 : 80), {}, 150)).toBeLessThan(share);
  },
);

test.each(["teacher", "data"] as const)(
  "meanflow with the velocity of the %s brings it nearer",
  (velocity) => {
    const { denoiser } = withInterval(teacher, config);
    const student = new DenoiserStudent(denoiser.requiresGrad_(true), { sigmaInit: 80 });
    const objective = new MeanFlow({ data: real(), velocity });
    expect(improvement(objective, student, {}, 150)).toBeLessThan(0.8);
  },
);
