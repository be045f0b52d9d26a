import { z } from "zod";
import { denoiserConfig } from "../../models/denoiser-config.js";
import { teacherTrainingSettings } from "../../teacher/settings.js";
import {
  commonSettings,
  computationSettings,
  dataSettings,
  evaluationSettings,
  sessionSettings,
} from "./common.js";

/** `disback teacher train` */
export const teacherSchema = z.strictObject({
  ...commonSettings,
  ...computationSettings,
  ...dataSettings,
  conditional: z.boolean().default(false).describe("condition the model on the data's classes"),
  autoencoder: z
    .string()
    .optional()
    .describe(
      "train on latents: folder of an autoencoder, of a model that has one, or of diffusers' AutoencoderKL",
    ),
  model: denoiserConfig.describe("the network and its preconditioning; size and channels must be the data's"),
  training: teacherTrainingSettings.prefault({}),
  evaluation: evaluationSettings,
  ...sessionSettings,
});

export type TeacherSettings = z.output<typeof teacherSchema>;
