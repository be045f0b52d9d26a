import { z } from "zod";
import { metricNames } from "../../metrics/metric-names.js";
import {
  commonSettings,
  dataSettings,
  integer,
  pipelineSettings,
  positive,
  unconditional,
} from "./common.js";

const drawing = {
  ...pipelineSettings,
  batchSize: integer(1).default(250).describe("samples drawn at once"),
  steps: integer(1).optional().describe("sampler steps of a teacher, default 18; a student has its own"),
  sampler: z.enum(["heun", "euler", "ddim"]).default("heun").describe("sampler when steps is greater than 1"),
  sigmaMin: positive.default(0.002).describe("lowest noise level of the sampler"),
  sigmaMax: positive.default(80).describe("highest noise level of the sampler"),
  rho: positive.default(7).describe("curvature of the noise levels between the two"),
  guidance: z
    .number()
    .min(0)
    .default(1)
    .describe("classifier-free guidance of a teacher; 1 for none; others double the evaluations"),
  label: z
    .union([integer(0), z.string().min(1)])
    .optional()
    .describe("class to draw, by number or name, or a task with all its classes; default all in turn"),
  prompt: z
    .string()
    .optional()
    .describe(
      "text to draw, for a model that is told one; default those of its training. For a language model the beginning of a text",
    ),
  prompts: z
    .string()
    .optional()
    .describe("texts to draw in turn: a file of lines or JSONL, or a data set with captions"),
  negativePrompt: z
    .string()
    .min(1)
    .optional()
    .describe("text that a teacher's guidance leads away from; default no text"),
  guidanceRescale: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("how far guidance gets back the contrast of samples without it: 0 not at all, 1 fully"),
  temperature: z
    .number()
    .min(0)
    .optional()
    .describe("of a language model: divides the logits; 0 for the likeliest token; default 1"),
  topP: positive
    .max(1)
    .optional()
    .describe("of a language model: draw from the likeliest tokens with this probability; default 1"),
  textLength: integer(1)
    .optional()
    .describe("of a language model: tokens of a text; default what it was trained with, at most 128"),
  unconditional: unconditional.describe("use a class-conditional model without labels"),
};

/** `disback sample` */
export const sampleSchema = z.strictObject({
  ...commonSettings,
  ...drawing,
  count: integer(1).optional().describe("samples drawn; default 64, of a single prompt 1"),
  model: z.string().describe("a model folder, or a run with a student or teacher in it"),
  columns: integer(1).optional().describe("columns of the grid; default as square as possible"),
});

/** `disback evaluate` */
export const evaluateSchema = z.strictObject({
  ...commonSettings,
  ...drawing,
  ...dataSettings,
  data: dataSettings.data.optional(),
  count: integer(2).default(5000).describe("samples drawn"),
  model: z.string().describe("a model folder, a run, or samples: a folder of images or an .npz file"),
  metrics: z.array(z.enum(metricNames)).optional().describe("metrics to compute; default all that apply"),
  extractor: z.string().optional().describe("feature extractor: a shipped name or a folder"),
  inception: z.string().optional().describe("TorchScript Inception file, in place of the extractor"),
  clip: z
    .string()
    .min(1)
    .optional()
    .describe(
      "folder of transformers' CLIPModel: also measure how well pictures fit their prompts (CLIP score)",
    ),
});

export type SampleSettings = z.output<typeof sampleSchema>;
export type EvaluateSettings = z.output<typeof evaluateSchema>;
