import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Device, keep, tensor } from "@disback/torch";
import { z } from "zod";
import { CachedPrompts } from "../distill/cached-prompts.js";
import { DisbackError } from "../errors.js";
import { encoderKey } from "../import/pipeline/encoder-key.js";
import {
  openTextToImage,
  type PipelineChoice,
  pipelineChoice,
} from "../import/pipeline/text-to-image-source.js";
import type { ConditionShapes } from "../models/condition.js";
import { PromptCache } from "../text/prompts/prompt-cache.js";
import type { PromptEncoder } from "../text/prompts/prompt-encoder.js";
import { sdxlSizes } from "../text/prompts/stable-diffusion-xl.js";
import { writeFileAtomically } from "./atomic-file.js";
import { cacheFolder } from "./cache-folder.js";

/** What encodes the prompts of a model that cannot do it itself. */
export interface TextEncoder {
  /** folder or file of the pipeline with the encoders and tokenizers */
  pipeline: string;
  /** how it was opened */
  choice: PipelineChoice;
  /** prompts that the model was trained with */
  prompts: readonly string[];
}

const FILE = "text.json";
const schema = z.strictObject({
  pipeline: z.string().min(1),
  choice: pipelineChoice.default({}),
  prompts: z.array(z.string()),
});

/** Writes `text.json` into a model's folder. */
export function writeTextEncoder(folder: string, { pipeline, choice, prompts }: TextEncoder): void {
  const value = { pipeline: resolve(pipeline), choice: withPaths(choice), prompts };
  writeFileAtomically(join(folder, FILE), `${JSON.stringify(value, null, 2)}\n`);
}

/** A choice whose paths are absolute. */
export function withPaths({ loras, tokenizer, ...rest }: PipelineChoice): PipelineChoice {
  return {
    ...rest,
    ...(loras ? { loras: loras.map(({ path, weight }) => ({ path: resolve(path), weight })) } : {}),
    ...(tokenizer === undefined ? {} : { tokenizer: resolve(tokenizer) }),
  };
}

/** Whether a model's folder has a `text.json`. */
export function hasTextEncoder(folder: string): boolean {
  return existsSync(join(folder, FILE));
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
  throw new DisbackError(
    `${path}: ${parsed.data.pipeline}: no such folder or file, which holds the text encoders`,
  );
}

/** How prompts are encoded for a network. */
export interface EncodingOptions {
  /** what the network is told; without them everything that the encoders give is taken */
  shapes?: ConditionShapes;
  /** whether it is told the sizes of its pictures */
  sizes: boolean;
  /** whether it is told a scale of guidance */
  guidance: boolean;
  /** height and width of its pictures, in pixels */
  side: number;
  device: Device;
  /** further texts that will be asked for, such as a negative prompt */
  alsoEncode: readonly string[];
  /** opens the encoders; default: opens the pipeline for them */
  open?: () => Promise<PromptEncoder>;
}

/** The scale of guidance that Flux is told if nothing else was chosen, as in diffusers. */
export const usualGuidance = 3.5;

/** Prompts as a network is told them, from the cache; what is missing there is encoded first. */
export async function encodedPrompts(
  { pipeline: path, choice, prompts }: TextEncoder,
  options: EncodingOptions,
): Promise<CachedPrompts> {
  const { shapes = {}, sizes, guidance, side, device, alsoEncode } = options;
  const cache = await PromptCache.fill([...prompts, ...alsoEncode], {
    folder: cacheFolder("prompts"),
    encoder: encoderKey(path, choice),
    open: options.open ?? (async () => (await openTextToImage(path, choice)).openPrompts()),
  });
  const told = {
    ...(sizes ? { sizes: keep(sdxlSizes(1, side, side)) } : {}),
    ...(guidance ? { guidance: keep(tensor([choice.embeddedGuidance ?? usualGuidance])) } : {}),
  };
  return new CachedPrompts(cache, prompts, shapes, { device, ...told });
}
