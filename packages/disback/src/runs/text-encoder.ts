import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Device, keep } from "@disback/torch";
import { z } from "zod";
import { CachedPrompts } from "../distill/cached-prompts.js";
import { DisbackError } from "../errors.js";
import { encoderKey } from "../import/pipeline/encoder-key.js";
import { openTextToImagePipeline } from "../import/pipeline/text-to-image-pipeline.js";
import type { ConditionShapes } from "../models/condition.js";
import { PromptCache } from "../text/prompts/prompt-cache.js";
import { sdxlSizes } from "../text/prompts/stable-diffusion-xl.js";
import { writeFileAtomically } from "./atomic-file.js";
import { cacheFolder } from "./cache-folder.js";

/** What encodes the prompts of a model that cannot do it itself. */
export interface TextEncoder {
  /** folder of the pipeline with the encoders and tokenizers */
  pipeline: string;
  /** prompts that the model was trained with */
  prompts: readonly string[];
}

const FILE = "text.json";
const schema = z.strictObject({ pipeline: z.string().min(1), prompts: z.array(z.string().min(1)) });

/** Writes `text.json` into a model's folder. */
export function writeTextEncoder(folder: string, { pipeline, prompts }: TextEncoder): void {
  const value = { pipeline: resolve(pipeline), prompts };
  writeFileAtomically(join(folder, FILE), `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads `text.json`. @throws DisbackError naming the file */
export function readTextEncoder(folder: string): TextEncoder {
  const path = join(folder, FILE);
  if (!existsSync(path))
    throw new DisbackError(`${path}: no such file: this model's prompts cannot be encoded without it`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new DisbackError(`${path}: not valid JSON`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new DisbackError(`${path}: "${parsed.error.issues[0]!.path.join(".")}" is wrong`);
  if (existsSync(parsed.data.pipeline)) return parsed.data;
  throw new DisbackError(`${path}: ${parsed.data.pipeline}: no such folder, which holds the text encoders`);
}

/** How prompts are encoded for a network. */
export interface EncodingOptions {
  /** what the network is told; without them everything that the encoders give is taken */
  shapes?: ConditionShapes;
  /** whether it is told the sizes of its pictures */
  sizes: boolean;
  /** height and width of its pictures, in pixels */
  side: number;
  device: Device;
  /** further texts that will be asked for, such as a negative prompt */
  alsoEncode: readonly string[];
}

/** Prompts as a network is told them, from the cache; what is missing there is encoded first. */
export async function encodedPrompts(
  { pipeline: path, prompts }: TextEncoder,
  options: EncodingOptions,
): Promise<CachedPrompts> {
  const { shapes = {}, sizes, side, device, alsoEncode } = options;
  const cache = await PromptCache.fill([...prompts, ...alsoEncode], {
    folder: cacheFolder("prompts"),
    encoder: encoderKey(path),
    open: async () => (await openTextToImagePipeline(path)).openPrompts(),
  });
  const told = sizes ? { sizes: keep(sdxlSizes(1, side, side)) } : {};
  return new CachedPrompts(cache, prompts, shapes, { device, ...told });
}
