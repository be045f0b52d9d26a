import { z } from "zod";
import { defaults } from "../../distill/defaults.js";
import type { SampleDistance } from "../../distill/sample-distance.js";
import type { Weighting } from "../../distill/weighting.js";
import { integer, positive } from "./common.js";
import { layer, type SettingsTree } from "./layers.js";
import { type ObjectiveName, objectiveNames } from "./objective-names.js";

export * from "./objective-names.js";

const weightings = ["one", "edm", "noise", "score"] as const satisfies Weighting[];
const weighting = z
  .enum(weightings)
  .describe("weights of noise levels: one (1), edm (EDM's lambda), noise (1/sigma) or score (1/sigma^2)");
const distances = ["squared", "pseudo-huber"] as const satisfies SampleDistance[];
const distance = z.enum(distances).describe("distance to minimise: squared or pseudo-huber");
const realSamples = integer(1)
  .default(20_000)
  .describe("number of real samples drawn once and kept in memory");
const weight = z.number().min(0);

/** The objective and the options of each. Options of other objectives have no effect. */
export const objectiveSettings = {
  objective: z
    .enum(objectiveNames)
    .default("diff-instruct")
    .describe(
      "objective: diff-instruct, vsd, dmd, dmd2 (needs data) or sid; or, without auxiliary model and trajectory, consistency or regression",
    ),
  pairs: z
    .strictObject({
      count: integer(1)
        .default(1000)
        .describe("number of teacher samples for regression, DMD's regression, and consistency without data"),
      steps: integer(1).default(18).describe("Heun steps per teacher sample"),
    })
    .prefault({}),
  guidance: weight
    .default(1)
    .describe("classifier-free guidance of the target: x_uncond + guidance (x_cond - x_uncond); 1 for none"),
  auxiliarySteps: integer(1)
    .default(defaults.backtracking.auxiliarySteps)
    .describe("updates of the auxiliary model per student update; 5 in DMD2"),
  diffInstruct: z
    .strictObject({
      weighting: weighting.default("one"),
    })
    .prefault({}),
  vsd: z
    .strictObject({
      rank: integer(1).default(4).describe("rank of the auxiliary model's low-rank adapters"),
      learningRateFactor: positive
        .default(10)
        .describe("learning rate of the adapters, as a multiple of auxiliaryLearningRate"),
      weighting: weighting.default("noise"),
    })
    .prefault({}),
  dmd: z
    .strictObject({
      regressionWeight: weight
        .default(0)
        .describe("weight of the regression on the teacher's samples; 0 for none, 0.25 in the paper"),
    })
    .prefault({}),
  dmd2: z
    .strictObject({
      generatorWeight: weight.default(3e-3).describe("weight of the adversarial term in the student's step"),
      discriminatorWeight: weight
        .default(1e-2)
        .describe("weight of the discriminator's loss in the auxiliary model's step"),
      realSamples,
    })
    .prefault({}),
  sid: z
    .strictObject({
      alpha: z.number().default(1.2).describe("factor of the biased part that is subtracted"),
      lastPosition: positive
        .max(1)
        .default(0.8)
        .describe("highest noise level, as a position on the sampler's schedule; 0.8 is sigma 24.4"),
    })
    .prefault({}),
  consistency: z
    .strictObject({
      levels: integer(2).default(18).describe("number of noise levels of the grid, from sigmaInit down"),
      targetDecay: z.number().min(0).lt(1).default(0.95).describe("decay of the target network per step"),
      distance: distance.default("pseudo-huber"),
      realSamples,
    })
    .prefault({}),
  regression: z.strictObject({ distance: distance.default("squared") }).prefault({}),
};

/** Defaults of single objectives, below all other settings. */
export const objectiveDefaults: Readonly<Partial<Record<ObjectiveName, SettingsTree>>> = {
  // Mismatch degrees over their own noise levels that correspond to 1.1 with Diff-Instruct (docs/objectives.md).
  dmd: { backtracking: { mismatchThreshold: 1.2 } },
  dmd2: { backtracking: { mismatchThreshold: 1.2 } },
  sid: { backtracking: { mismatchThreshold: 1.15 } },
  // It samples from pure noise, so the top of the grid must be far above the data.
  consistency: { sigmaInit: 80 },
};

/** Adds the defaults of the objective in the settings. */
export function withObjectiveDefaults(settings: SettingsTree): SettingsTree {
  const { objective } = (settings.backtracking ?? {}) as { objective?: unknown };
  const name = objectiveNames.find((known) => known === objective);
  return name ? layer(objectiveDefaults[name] ?? {}, settings) : settings;
}
