import { z } from "zod";
import { denoiserConfig } from "../../models/denoiser-config.js";
import { teacherTrainingSettings } from "../../teacher/settings.js";
import {
  commonSettings,
  computationSettings,
  dataSettings,
  evaluationSettings,
  integer,
  sessionSettings,
} from "./common.js";

/** `disback teacher train` */
export const teacherSchema = z.strictObject({
  ...commonSettings,
  ...computationSettings,
  ...dataSettings,
  conditional: z
    .boolean()
    .optional()
    .describe("condition the model on the data's classes; when not given, if it has any"),
  autoencoder: z
    .string()
    .optional()
    .describe(
      "train on latents: folder of an autoencoder, of a model that has one, or of diffusers' AutoencoderKL",
    ),
  model: denoiserConfig
    .optional()
    .describe("the network and its preconditioning, of the data's size; chosen by the data when not given"),
  training: teacherTrainingSettings
    .extend({
      iterations: integer(1).optional().describe("optimizer steps; chosen with the network when not given"),
      batchSize: integer(1).optional().describe("samples per step; chosen with the network when not given"),
    })
    .prefault({}),
  evaluation: evaluationSettings,
  ...sessionSettings,
});

export type TeacherSettings = z.output<typeof teacherSchema>;
