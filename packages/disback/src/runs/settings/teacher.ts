import { z } from "zod";
import { denoiserConfig } from "../../models/denoiser-config.js";
import { teacherTrainingSettings } from "../../teacher/settings.js";
import { checkpointSettings, commonSettings, dataSettings, evaluationSettings } from "./common.js";

/** `disback teacher train` */
export const teacherSchema = z.strictObject({
  ...commonSettings,
  ...dataSettings,
  conditional: z.boolean().default(false).describe("condition the model on the data's classes"),
  model: denoiserConfig.describe("the network and its preconditioning; size and channels must be the data's"),
  training: teacherTrainingSettings.prefault({}),
  evaluation: evaluationSettings,
  checkpoints: checkpointSettings,
});

export type TeacherSettings = z.output<typeof teacherSchema>;
