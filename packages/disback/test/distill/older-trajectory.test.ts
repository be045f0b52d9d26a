import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setNumThreads } from "@disback/torch";
import { beforeAll, expect, it } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import type { BacktrackingFigures } from "../../src/distill/backtracking-options.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { StepsPerTarget } from "../../src/distill/target-schedule.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import { loadModel } from "../../src/models/config.js";

// What fixtures/distill/make-older-trajectory.mjs recorded, and what its version made of it.
const folder = fileURLToPath(new URL("../fixtures/distill/older-trajectory", import.meta.url));
const model = (name: string) => loadModel(join(folder, name)).denoiser;

beforeAll(() => setNumThreads(1));

it("a trajectory of the version before is walked along as that version walked it", () => {
  const trajectory = Trajectory.open(join(folder, "trajectory"));
  expect(trajectory.nodes.map(({ step }) => step)).toEqual([2, 4, 6]);
  const work = new Backtracking({
    ...{ teacher: model("teacher"), student: new DenoiserStudent(model("student"), { sigmaInit: 2.5 }) },
    objective: new DiffInstruct({ oneNoise: false }),
    ...{ trajectory, schedule: new StepsPerTarget(2), execution: { seed: 3 }, batchSize: 16, iterations: 6 },
  });
  const expected = JSON.parse(readFileSync(join(folder, "figures.json"), "utf8")) as BacktrackingFigures[];
  for (const [step, figures] of expected.entries()) {
    const ours = work.step();
    expect(Object.keys(ours).sort()).toEqual(Object.keys(figures).sort());
    for (const [name, value] of Object.entries(figures))
      expect(ours[name as keyof BacktrackingFigures], `${name} of step ${step}`).toBeCloseTo(value, 5);
  }
  expect(expected.map(({ target }) => target)).toEqual([2, 2, 1, 1, 0, 0]);
  work.dispose();
});
