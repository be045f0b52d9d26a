import { z } from "zod";
import { denoiserConfig } from "../../models/denoiser-config.js";
import { languageConfig } from "../../models/language/config.js";
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
    .describe("condition the model on the data's classes; default if there are any"),
  captions: z
    .boolean()
    .default(false)
    .describe("condition the model on the data's captions: pictures from text"),
  vocabularySize: integer(32)
    .default(1200)
    .describe("with captions: pieces of words that are learned from the captions; for text: byte pairs"),
  autoencoder: z
    .string()
    .optional()
    .describe(
      "train on latents: folder of an autoencoder, of a model with one, or of diffusers' AutoencoderKL",
    ),
  model: denoiserConfig
    .optional()
    .describe("the network and its preconditioning, at the data's size; default chosen by the data"),
  language: languageConfig
    .optional()
    .describe("for text: sizes of the language model; default small ones, unless there is a model"),
  vae: z
    .strictObject({
      latentChannels: integer(1).default(4).describe("channels of a latent"),
      channels: z
        .array(integer(1))
        .min(1)
        .default([32, 64, 64])
        .describe("channels of each level, highest resolution first; each level halves the resolution"),
      blocksPerLevel: integer(1).default(1).describe("residual blocks of each level"),
      normalizationGroups: integer(1).default(8).describe("groups of a normalization"),
      attention: z.boolean().default(false).describe("self-attention at the lowest resolution"),
      klWeight: z
        .number()
        .min(0)
        .default(1e-6)
        .describe("weight of the latents' divergence from a standard normal"),
    })
    .optional()
    .describe(
      "train an autoencoder instead, which makes latents of pictures and pictures of latents: its sizes",
    ),
  training: teacherTrainingSettings
    .extend({
      iterations: integer(1).optional().describe("optimizer steps; default chosen with the network"),
      batchSize: integer(1).optional().describe("samples per step; default chosen with the network"),
    })
    .prefault({}),
  evaluation: evaluationSettings
    .unwrap()
    .extend({
      every: integer(1)
        .optional()
        .describe("iterations between evaluations; default a sixth of the iterations"),
      // A teacher needs tens of evaluations per sample: judging would take longer than training.
      samples: integer(2).default(1000).describe("samples drawn for each FID"),
    })
    .prefault({}),
  ...sessionSettings,
});

export type TeacherSettings = z.output<typeof teacherSchema>;
