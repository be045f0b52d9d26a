import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { Autoencoder } from "../../models/autoencoder/autoencoder.js";
import type { PromptEncoder } from "../../text/prompts/prompt-encoder.js";
import { describeFlowSchedule, type FlowSchedule } from "../diffusers/flow-schedule.js";
import { type DiscreteSchedule, describeSchedule } from "../diffusers/noise-schedule.js";
import { presentKey } from "../diffusers/present-key.js";
import { type LoraChoice, readLoras } from "../lora/merge-lora.js";
import { shown } from "../pickle/text-values.js";
import { adoptTensors } from "../tensors/adopt.js";
import { openComponentTensors } from "../tensors/component-tensors.js";
import { openPipelineAutoencoder } from "./open-autoencoder.js";
import {
  buildTextToImageNetwork,
  forInference,
  isTextToImageNetwork,
  type TextToImageNetwork,
} from "./open-network.js";
import { openPrompts, type PromptStyle } from "./open-prompts.js";
import { configured, type PipelineFolder, readPipelineFolder, requiredPart } from "./pipeline-folder.js";

/** A pipeline that draws pictures or clips from text. */
export interface TextToImagePipeline {
  /** the pipeline's class in diffusers */
  className: string;
  network: TextToImageNetwork;
  /** the network's noise levels and what it predicts */
  schedule: DiscreteSchedule | FlowSchedule;
  autoencoder: Autoencoder;
  /** Opens the text encoders. They are as large as the network, so they are opened apart and can be released first. */
  openPrompts(options?: { longPrompt?: number }): Promise<PromptEncoder>;
  /** parts and settings of the folder that are not used, in words */
  unused: string[];
}

export interface OpenPipelineOptions {
  /** the files' variant, such as "fp16"; default: files without a variant, or the only variant */
  variant?: string | undefined;
  /** files of adapters that are merged into the weights */
  loras?: readonly LoraChoice[] | undefined;
}

/**
 * Opens a folder of diffusers with Stable Diffusion 1, 2, XL or 3, Flux or Wan. Weights stay in their precision, those of
 * safetensors on disk until they are used.
 * @throws DisbackError naming the part that is missing, the file and field, or the file and key
 */
export async function openTextToImagePipeline(
  path: string,
  { variant, loras: choices = [] }: OpenPipelineOptions = {},
): Promise<TextToImagePipeline> {
  const folder = readPipelineFolder(path);
  const loras = await readLoras(choices);
  const part = [...folder.parts.values()].find(({ className }) => isTextToImageNetwork(className));
  if (!part) throw noNetwork(folder);
  loras.requireOnly(new Set(["network", ...folder.parts.keys()]));
  requireOneNetwork(folder);
  const given = configured(part);
  const network = buildTextToImageNetwork(given, part.className);
  const scheduler = configured(requiredPart(folder, "scheduler"), "scheduler_config.json");
  const schedule =
    network.kind === "unet-2d-condition" ? describeSchedule(scheduler) : describeFlowSchedule(scheduler);
  const autoencoder = await openPipelineAutoencoder(requiredPart(folder, "vae"), variant);
  const weights = await openComponentTensors(part.folder, "diffusers", variant);
  adoptTensors(network.module, weights.tensors, { path: weights.path, rename: presentKey });
  loras.merge("network", network.module);
  forInference(network.module);
  const { style, textChannels } = promptStyle(network);
  return {
    className: folder.className,
    network,
    schedule,
    autoencoder,
    openPrompts: (options = {}) => openPrompts(folder, style, { ...options, variant, textChannels, loras }),
    unused: unusedParts(folder, part.name),
  };
}

/** How a network's prompts are encoded, and the channels of their states. */
export function promptStyle({ kind, module }: TextToImageNetwork): {
  style: PromptStyle;
  textChannels: number;
} {
  const textChannels = module.textChannels;
  if (kind !== "unet-2d-condition") return { style: kind, textChannels };
  return { style: module.add_embedding ? "sdxl" : "sd", textChannels };
}

function noNetwork({ path, parts }: PipelineFolder): DisbackError {
  const there = [...parts.values()].map(({ name, className }) => `${name} (${className})`);
  return new DisbackError(
    `${join(path, "model_index.json")}: no network for pictures or clips from text that disback knows: there is ${there.map(shown).join(", ") || "nothing"} (disback teacher import reads those without text)`,
  );
}

/** Wan2.2 shares its noise levels out among two networks, or gives each token a time of its own. */
function requireOneNetwork({ path, parts, settings }: PipelineFolder): void {
  const file = join(path, "model_index.json");
  if (parts.has("transformer_2"))
    throw new DisbackError(
      `${file}: "transformer_2": two networks that share the noise levels (Wan2.2) are not supported`,
    );
  if (settings["expand_timesteps"] === true)
    throw new DisbackError(
      `${file}: "expand_timesteps": a time of its own for each token (Wan2.2) is not supported`,
    );
}

const usedParts = /^(scheduler|vae|(text_encoder|tokenizer)(_[23])?)$/;
const usedSettings = new Set(["force_zeros_for_empty_prompt", "expand_timesteps"]);

function unusedParts({ parts, settings }: PipelineFolder, network: string): string[] {
  const left = [...parts.values()].filter(({ name }) => name !== network && !usedParts.test(name));
  return [
    ...left.map(({ name, className }) => `${shown(name)} (${shown(className)})`),
    ...Object.entries(settings)
      .filter(([name, value]) => !usedSettings.has(name) && value !== null)
      .map(([name, value]) => `"${shown(name)}": ${shown(JSON.stringify(value))}`),
  ];
}
