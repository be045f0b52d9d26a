import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Module } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { FluxPrompts } from "../../text/prompts/flux.js";
import type { PromptEncoder } from "../../text/prompts/prompt-encoder.js";
import { StableDiffusionPrompts } from "../../text/prompts/stable-diffusion.js";
import { StableDiffusion3Prompts, type T5Pair } from "../../text/prompts/stable-diffusion-3.js";
import { type ClipPair, StableDiffusionXlPrompts } from "../../text/prompts/stable-diffusion-xl.js";
import { WanPrompts } from "../../text/prompts/wan.js";
import type { TextTokenizer } from "../../text/tokenizers/text-tokenizer.js";
import type { Loras } from "../lora/merge-lora.js";
import { openTokenizer } from "../tokenizers/open-tokenizer.js";
import { openClipText, openT5, openUmt5 } from "./open-text-encoder.js";
import { type PipelineFolder, type PipelinePart, requiredPart } from "./pipeline-folder.js";
import { requireVocabulary } from "./require-vocabulary.js";

/** The kind of prompt encoding that a network was trained with. */
export type PromptStyle = "sd" | "sdxl" | "sd3" | "flux" | "wan";

export interface OpenPromptsOptions {
  variant?: string | undefined;
  /** tokens of T5's part; default 256 for SD3, 512 for Flux and Wan, as in diffusers */
  longPrompt?: number | undefined;
  /** adapters that are merged into the encoders */
  loras: Loras;
  /** channels of the text states that the network takes */
  textChannels: number;
}

/**
 * Opens the text encoders and tokenizers of a pipeline.
 * @throws DisbackError naming the part that is missing, the file and field, or the file and key
 */
export async function openPrompts(
  folder: PipelineFolder,
  style: PromptStyle,
  options: OpenPromptsOptions,
): Promise<PromptEncoder> {
  const { variant } = options;
  const adapted = <Encoder extends Module>(suffix: Suffix, encoder: Encoder): Encoder => {
    options.loras.merge(`text_encoder${suffix}`, encoder);
    return encoder;
  };
  const pair = async <Encoder extends ReadsTokens>(
    suffix: Suffix,
    open: (part: PipelinePart, variant?: string) => Promise<Encoder>,
  ): Promise<{ tokenizer: TextTokenizer; encoder: Encoder }> => {
    const tokenizer = tokenizerOf(folder, suffix);
    const encoder = await open(requiredPart(folder, `text_encoder${suffix}`), variant);
    requireVocabulary(tokenizer, encoder.options.tokens, join(folder.path, `tokenizer${suffix}`));
    return { tokenizer, encoder: adapted(suffix, encoder) };
  };
  const clip = (suffix: Suffix): Promise<ClipPair> => pair(suffix, openClipText);
  const t5 = async (suffix: Suffix, length: number): Promise<T5Pair> => ({
    ...(await pair(suffix, openT5)),
    length,
  });
  switch (style) {
    case "sd": {
      const { tokenizer, encoder } = await clip("");
      return new StableDiffusionPrompts(tokenizer, encoder);
    }
    case "sdxl": {
      const zeros = folder.settings["force_zeros_for_empty_prompt"] ?? true;
      return new StableDiffusionXlPrompts([await clip(""), await clip("_2")], zeros === true);
    }
    case "sd3": {
      const length = options.longPrompt ?? 256;
      const clips = [await clip(""), await clip("_2")] as const;
      const long = folder.parts.has("text_encoder_3") ? await t5("_3", length) : null;
      return new StableDiffusion3Prompts(clips, long, options.textChannels, length);
    }
    case "flux":
      return new FluxPrompts(await clip(""), await t5("_2", options.longPrompt ?? 512));
    case "wan":
      return new WanPrompts({ ...(await pair("", openUmt5)), length: options.longPrompt ?? 512 });
  }
}

/** A text encoder. */
type ReadsTokens = Module & { readonly options: { tokens: number } };

/** Of the names of several encoders. */
type Suffix = "" | "_2" | "_3";

/** The tokenizer that belongs to an encoder. @throws DisbackError if there is none */
function tokenizerOf(folder: PipelineFolder, suffix: string): TextTokenizer {
  const name = `tokenizer${suffix}`;
  const path = join(folder.path, name);
  if (folder.parts.has(name) && existsSync(path)) return openTokenizer(path);
  throw new DisbackError(
    `${path}: no such folder: "text_encoder${suffix}" cannot be used without its tokenizer`,
  );
}
