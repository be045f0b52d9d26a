import { z } from "zod";
import { DisbackError } from "../errors.js";

/** Everything that decides how a teacher is trained, apart from network and data. */
export const teacherTrainingSettings = z.strictObject({
  iterations: z.int().min(1).default(10_000).describe("optimizer steps"),
  batchSize: z.int().min(1).default(64).describe("samples per step"),
  learningRate: z.number().positive().default(2e-3).describe("highest learning rate of Adam"),
  rampUp: z.int().min(0).default(200).describe("iterations over which the learning rate rises from 0"),
  decay: z
    .enum(["constant", "cosine", "inverse-sqrt"])
    .default("cosine")
    .describe("how the learning rate falls: not at all, to 0 at the end, or with the root of the iteration"),
  decayFrom: z.int().min(0).default(0).describe("iteration at which the learning rate begins to fall"),
  averageHalfLife: z
    .number()
    .positive()
    .default(50_000)
    .describe("samples after which old weights count half in the average"),
  averageRampUp: z
    .number()
    .positive()
    .default(0.05)
    .describe("the half-life is at most this part of the samples seen so far"),
  flip: z.boolean().default(false).describe("mirror half of the images, left to right"),
  labelDropout: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("part of the samples whose label is withheld, so that the teacher also works without one"),
  gradientClip: z
    .number()
    .min(0)
    .default(1)
    .describe("largest norm of the gradient; longer ones are shortened; 0: any norm"),
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
