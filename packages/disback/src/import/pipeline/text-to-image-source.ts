import { existsSync, statSync } from "node:fs";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { isPipelineFolder } from "./pipeline-folder.js";
import type { TextToImagePipeline } from "./text-to-image-pipeline.js";

/** How a pipeline is opened, besides where it lies. A model that was made from it keeps this. */
export const pipelineChoice = z.strictObject({
  /** files of adapters that are merged into network and text encoders, with their weights */
  loras: z.array(z.strictObject({ path: z.string().min(1), weight: z.number().default(1) })).optional(),
  /** single files: folder with CLIP's tokenizer */
  tokenizer: z.string().min(1).optional(),
  /** single files: what the network predicts, needed for Stable Diffusion 2 */
  prediction: z.enum(["epsilon", "v"]).optional(),
  /** height and width of its pictures or clips, in pixels */
  resolution: z.int().positive().optional(),
  /** width of its clips, where it differs from their height */
  width: z.int().positive().optional(),
  /** frames of its clips */
  frames: z.int().positive().optional(),
  /** the scale that a network distilled from guidance is told, as Flux is */
  embeddedGuidance: z.number().positive().optional(),
});

export type PipelineChoice = z.output<typeof pipelineChoice>;

/** Whether a source is a text-to-image pipeline: a folder of diffusers, or a checkpoint in one file. */
export function isTextToImageSource(source: string): boolean {
  return isPipelineFolder(source) || isSingleFile(source);
}

/** Whether a source is a checkpoint in one file, by its name. */
export function isSingleFile(source: string): boolean {
  return /\.(safetensors|ckpt)$/i.test(source) && existsSync(source) && statSync(source).isFile();
}

/**
 * Opens a folder of diffusers or a checkpoint in one file. @throws DisbackError naming the part that is missing, the file
 * and field or key, or the choice that has no effect
 */
export async function openTextToImage(
  source: string,
  { loras, tokenizer, prediction }: PipelineChoice = {},
): Promise<TextToImagePipeline> {
  // Loaded when needed: a pipeline's parts are many files.
  if (isSingleFile(source)) {
    const { openSingleFile } = await import("../single-file/open-single-file.js");
    return openSingleFile(source, { loras, tokenizer, prediction });
  }
  const useless = tokenizer !== undefined ? "tokenizer" : prediction !== undefined ? "prediction" : undefined;
  if (useless !== undefined)
    throw new DisbackError(
      `--${useless}: only for checkpoints in one file; ${source} is a folder, which says it itself`,
    );
  const { openTextToImagePipeline } = await import("./text-to-image-pipeline.js");
  return openTextToImagePipeline(source, { loras });
}
