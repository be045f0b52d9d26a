import { z } from "zod";
import { commonSettings, dataSettings, integer, positive, unconditional } from "./common.js";

const drawing = {
  count: integer(1).default(64).describe("samples drawn"),
  batchSize: integer(1).default(250).describe("samples drawn at once"),
  steps: integer(1)
    .optional()
    .describe("sampler steps; 18 for a teacher when not given, a student has its own"),
  sampler: z.enum(["heun", "euler", "ddim"]).default("heun").describe("sampler when steps is greater than 1"),
  sigmaMin: positive.default(0.002).describe("lowest noise level of the sampler"),
  sigmaMax: positive.default(80).describe("highest noise level of the sampler"),
  rho: positive.default(7).describe("how noise levels are spread between the two"),
  guidance: z
    .number()
    .min(0)
    .default(1)
    .describe("classifier-free guidance of a teacher; 1 for none, more takes two evaluations for one"),
  label: z
    .union([integer(0), z.string().min(1)])
    .optional()
    .describe("class drawn, by number or name; all in turn when not given"),
  unconditional: unconditional.describe("ask a class-conditional model without labels"),
};

/** `disback sample` */
export const sampleSchema = z.strictObject({
  ...commonSettings,
  ...drawing,
  model: z.string().describe("a model folder, or a run with a student or teacher in it"),
  columns: integer(1).optional().describe("columns of the grid; as square as possible when not given"),
});

/** `disback evaluate` */
export const evaluateSchema = z.strictObject({
  ...commonSettings,
  ...drawing,
  ...dataSettings,
  data: dataSettings.data.optional(),
  count: integer(2).default(5000).describe("samples drawn"),
  model: z.string().describe("a model folder, a run, or samples: a folder of images or an .npz file"),
  metrics: z
    .array(z.enum(["fid", "kid", "inceptionScore", "precisionRecall", "slicedWasserstein", "modeCoverage"]))
    .optional()
    .describe("what to compute; all that apply when not given"),
  extractor: z.string().optional().describe("feature extractor: a shipped name or a folder"),
  inception: z.string().optional().describe("TorchScript Inception file, in place of the extractor"),
});

export type SampleSettings = z.output<typeof sampleSchema>;
export type EvaluateSettings = z.output<typeof evaluateSchema>;
