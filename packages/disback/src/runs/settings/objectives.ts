import { z } from "zod";
import type { Weighting } from "../../distill/weighting.js";
import { integer, positive } from "./common.js";

/** Names of the objectives, as `--objective` takes them. */
export const objectiveNames = ["diff-instruct", "dmd", "dmd2", "sid"] as const;

const weightings = ["one", "edm", "noise", "score"] as const satisfies Weighting[];
const weight = z.number().min(0);

/** Which objective moves the student, and the options of each. Those of other objectives have no effect. */
export const objectiveSettings = {
  objective: z
    .enum(objectiveNames)
    .default("diff-instruct")
    .describe("what moves the student to its target: diff-instruct, dmd, dmd2 (needs data) or sid"),
  guidance: weight
    .default(1)
    .describe("classifier-free guidance of the target: x_uncond + guidance (x_cond - x_uncond); 1 is none"),
  auxiliarySteps: integer(1)
    .default(1)
    .describe("updates of the auxiliary model for each of the student; 5 in DMD2"),
  diffInstruct: z
    .strictObject({
      weighting: z
        .enum(weightings)
        .default("one")
        .describe(
          "weight of noise levels: one (1), edm (EDM's lambda), noise (1/sigma) or score (1/sigma^2)",
        ),
    })
    .prefault({}),
  dmd: z
    .strictObject({
      regressionWeight: weight
        .default(0)
        .describe("weight of the regression on the teacher's samples; 0 for none, 0.25 in the paper"),
      pairs: integer(1).default(1000).describe("samples of the teacher for the regression"),
      pairSteps: integer(1).default(18).describe("Heun steps for each of them"),
    })
    .prefault({}),
  dmd2: z
    .strictObject({
      generatorWeight: weight.default(3e-3).describe("weight of the adversarial term in the student's step"),
      discriminatorWeight: weight
        .default(1e-2)
        .describe("weight of telling real from generated in the auxiliary model's step"),
      realSamples: integer(1)
        .default(20_000)
        .describe("real samples kept in memory, drawn from the data once"),
    })
    .prefault({}),
  sid: z
    .strictObject({
      alpha: z.number().default(1.2).describe("how much of the biased part is taken away"),
      lastPosition: positive
        .max(1)
        .default(0.8)
        .describe("highest noise level, as a position on the sampler's schedule; 0.8 is sigma 24.4"),
    })
    .prefault({}),
};
