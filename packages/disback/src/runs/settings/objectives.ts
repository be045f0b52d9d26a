import { z } from "zod";
import { defaults } from "../../distill/defaults.js";
import { divergences } from "../../distill/objectives/divergences.js";
import type { DerivativeKind, VelocitySource } from "../../distill/objectives/scm.js";
import type { SampleDistance } from "../../distill/sample-distance.js";
import type { Weighting } from "../../distill/weighting.js";
import { integer, noiseLevels, positive } from "./common.js";
import { objectiveNames } from "./objective-names.js";

export * from "./objective-defaults.js";
export * from "./objective-names.js";

const weightings = ["one", "edm", "noise", "score"] as const satisfies Weighting[];
const weighting = z
  .enum(weightings)
  .describe("weights of noise levels: one (1), edm (EDM's lambda), noise (1/sigma) or score (1/sigma^2)");
const distances = ["squared", "pseudo-huber"] as const satisfies SampleDistance[];
const velocities = ["teacher", "data"] as const satisfies VelocitySource[];
const derivatives = ["forward", "difference"] as const satisfies DerivativeKind[];
/** What objectives in continuous time share. */
const continuous = {
  velocity: z
    .enum(velocities)
    .default("teacher")
    .describe("whose direction is followed: teacher (distillation) or data (training)"),
  derivative: z
    .enum(derivatives)
    .default("forward")
    .describe(
      "derivative of the network: forward (exact) or difference (for networks with operators that have none)",
    ),
};
const distance = z.enum(distances).describe("distance to minimise: squared or pseudo-huber");
const realSamples = integer(1)
  .default(20_000)
  .describe("number of real samples drawn once and kept in memory");
const weight = z.number().min(0);
const share = z.number().gt(0).lt(1);
const huber = positive
  .default(1e-8)
  .describe("constant of the pseudo-Huber distance; nearly 0 for the Euclidean one");
/** R1, of every discriminator with a head. */
const regularization = {
  r1Weight: weight.default(0).describe("weight of the discriminator's approximate R1 penalty; 0 for none"),
  r1Deviation: positive.default(0.1).describe("standard deviation of the penalty's disturbance"),
};
const discriminatorWeight = weight
  .default(1e-2)
  .describe("weight of the discriminator's loss in the auxiliary model's step");
const generatorWeight = "weight of the adversarial term in the student's step";
/** Of language models. */
const betaWords =
  "divergence from teacher T to student S: 0 is KL(T | S), 1 is KL(S | T), between them a mixture";
/** Stages of easy consistency tuning. */
const stages = {
  base: z
    .number()
    .gt(1)
    .default(2)
    .describe("each stage divides the gap between the two noise levels by this"),
  stageSteps: integer(1).default(250).describe("student steps of a stage"),
  stages: integer(1).default(8).describe("number of stages"),
};

/** The objective and the options of each. Options of other objectives have no effect. */
export const objectiveSettings = {
  objective: z
    .enum(objectiveNames)
    .default("diff-instruct")
    .describe(
      "objective: diff-instruct, vsd, dmd, sid, sim or moment-matching; output-matching for teachers that are no denoisers; with data also dmd2, f-distill or sida; or, without auxiliary model and trajectory, consistency, ect, tcm, scm, meanflow, regression or (with data) ladd; for language models gkd, or (with data) supervised",
    ),
  pairs: z
    .strictObject({
      count: integer(1)
        .default(1000)
        .describe(
          "number of teacher samples for regression, DMD's regression, and consistency, ect, tcm, scm and meanflow without data",
        ),
      steps: integer(1).default(18).describe("Heun steps per teacher sample"),
    })
    .prefault({}),
  guidance: weight
    .default(1)
    .describe("classifier-free guidance of the target: x_uncond + guidance (x_cond - x_uncond); 1 for none"),
  auxiliarySteps: integer(1)
    .default(defaults.backtracking.auxiliarySteps)
    .describe("updates of the auxiliary model per student update; 5 in DMD2"),
  idaDecay: share
    .optional()
    .describe(
      "implicit distribution alignment: after each student step the auxiliary model's weights become this times their own plus the rest of the student's; 0.97 in SenseFlow; default none",
    ),
  diffInstruct: z
    .strictObject({
      weighting: weighting.default("one"),
      oneNoise: z
        .boolean()
        .default(true)
        .describe(
          "one noised batch for both updates: the student moves by the estimate that the auxiliary model gave before its own update; false for two, as in the released code",
        ),
      ...noiseLevels,
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
  outputMatching: z
    .strictObject({
      squaresWeight: weight
        .default(1)
        .describe("weight of the squared difference at the same latents; 0 for none"),
      adversarialWeight: weight
        .default(0)
        .describe(
          "weight of a discriminator's term, which tells the student's pictures from the target's; 0 for none",
        ),
      discriminatorChannels: integer(1).default(32).describe("width of the discriminator"),
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
      generatorWeight: weight.default(3e-3).describe(generatorWeight),
      discriminatorWeight,
      ...regularization,
      realSamples,
    })
    .prefault({}),
  fDistill: z
    .strictObject({
      divergence: z
        .enum(divergences)
        .default("jensen-shannon")
        .describe(`divergence to minimise: ${divergences.join(", ")}`),
      ratioBounds: z
        .tuple([positive, positive])
        .default([0.1, 20])
        .describe("bounds of the density ratio that the discriminator estimates"),
      generatorWeight: weight.default(1e-3).describe(generatorWeight),
      discriminatorWeight,
      ...regularization,
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
  sida: z
    .strictObject({
      alpha: z.number().default(1).describe("factor of the biased part that is subtracted"),
      lastPosition: positive.max(1).default(0.8).describe("highest noise level, as for sid"),
      generatorWeight: weight.default(1e-4).describe(`${generatorWeight}, relative to SiD's`),
      discriminatorWeight,
      realSamples,
    })
    .prefault({}),
  sim: z
    .strictObject({
      huber: positive
        .default(0.00054)
        .describe("constant of the pseudo-Huber distance, relative to the root of a sample's elements"),
      lastPosition: positive.max(1).default(0.8).describe("highest noise level, as for sid"),
    })
    .prefault({}),
  momentMatching: z
    .strictObject({
      targetWeight: weight.default(1).describe("weight of the auxiliary model's distance to the target"),
      weighting: weighting.default("one"),
    })
    .prefault({}),
  ect: z.strictObject({ ...stages, huber, realSamples }).prefault({}),
  tcm: z
    .strictObject({
      ...stages,
      huber,
      firstSteps: integer(1).default(1000).describe("student steps of the first stage, at all noise levels"),
      transition: positive.lt(80).default(1).describe("noise level from which the second stage trains"),
      boundaryShare: share.default(0.25).describe("share of a batch at the transition itself"),
      boundaryWeight: weight.default(0.1).describe("weight of the loss at the transition"),
      realSamples,
    })
    .prefault({}),
  scm: z
    .strictObject({
      ...continuous,
      warmupSteps: integer(1).default(200).describe("steps over which the derivative's part grows"),
      normalization: weight.default(0.1).describe("constant of the tangent's normalization"),
      learnedWeight: z
        .boolean()
        .default(false)
        .describe("learn the weight of the noise levels, from 1/sigma on, as the paper does"),
      realSamples,
    })
    .prefault({}),
  meanflow: z
    .strictObject({
      ...continuous,
      intervalShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.75)
        .describe("share of a batch that learns mean velocities; the rest learns the velocity itself"),
      power: weight.default(0.75).describe("power of the loss's weight"),
      realSamples,
    })
    .prefault({}),
  gkd: z
    .strictObject({
      beta: z.number().min(0).max(1).default(1).describe(betaWords),
      lambda: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe("share of a batch that the student wrote itself; the rest is data"),
      realSamples,
    })
    .prefault({}),
  supervised: z
    .strictObject({ beta: z.number().min(0).max(1).default(0).describe(betaWords), realSamples })
    .prefault({}),
  ladd: z.strictObject({ ...regularization, realSamples }).prefault({}),
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
