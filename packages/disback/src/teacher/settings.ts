import { z } from "zod";
import { DisbackError } from "../errors.js";
import { rateDecays } from "../training/learning-rate-plan.js";

/** Everything that determines how a teacher is trained, except network and data. */
export const teacherTrainingSettings = z.strictObject({
  iterations: z.int().min(1).default(10_000).describe("optimizer steps"),
  batchSize: z.int().min(1).default(64).describe("samples per step"),
  learningRate: z.number().positive().default(2e-3).describe("highest learning rate of Adam"),
  rampUp: z.int().min(0).default(200).describe("iterations over which the learning rate rises from 0"),
  decay: z
    .enum(rateDecays)
    .default("cosine")
    .describe(
      "decay of the learning rate: none, to 0 at the end, or with the inverse square root of the iteration",
    ),
  decayFrom: z.int().min(0).default(0).describe("iteration at which the decay of the learning rate begins"),
  averageHalfLife: z
    .number()
    .positive()
    .default(50_000)
    .describe("half-life of the averaged weights, in samples"),
  averageRampUp: z
    .number()
    .positive()
    .default(0.05)
    .describe("largest half-life, as a fraction of the samples seen so far"),
  flip: z.boolean().default(false).describe("mirror half of the images left to right"),
  labelDropout: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      "fraction of the samples whose label is withheld, so that the teacher also works without labels",
    ),
  gradientClip: z
    .number()
    .min(0)
    .default(1)
    .describe("largest norm of the gradient; larger ones are scaled down; 0 for no limit"),
  noiseMean: z.number().default(-1.2).describe("mean of ln sigma in training (P_mean)"),
  noiseStandardDeviation: z
    .number()
    .positive()
    .default(1.2)
    .describe("standard deviation of ln sigma in training (P_std)"),
});

export type TeacherTrainingSettings = z.output<typeof teacherTrainingSettings>;
export type TeacherTrainingSettingsInput = z.input<typeof teacherTrainingSettings>;

/**
 * Checks settings and fills in the defaults.
 * @throws DisbackError naming the setting that is wrong
 */
export function resolveTrainingSettings(input: TeacherTrainingSettingsInput): TeacherTrainingSettings {
  const result = teacherTrainingSettings.safeParse(input);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw new DisbackError(`teacher training, "${issue.path.join(".")}": ${issue.message}`);
  }
  return result.data;
}
