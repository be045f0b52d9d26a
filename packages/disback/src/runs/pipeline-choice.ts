import { existsSync } from "node:fs";
import { UsageError } from "../errors.js";
import type { PipelineChoice } from "../import/pipeline/text-to-image-source.js";

/** Settings of how a pipeline is opened. */
export interface PipelineSettings {
  /** `FILE` or `FILE:weight` each */
  lora?: readonly string[] | undefined;
  tokenizer?: string | undefined;
  prediction?: "epsilon" | "v" | undefined;
  resolution?: number | undefined;
  width?: number | undefined;
  frames?: number | undefined;
  embeddedGuidance?: number | undefined;
}

/** How settings want a pipeline opened. @throws UsageError naming the LoRA whose file or weight is wrong */
export function pipelineChoiceOf(settings: PipelineSettings): PipelineChoice {
  const { lora = [], tokenizer, prediction, resolution, width, frames, embeddedGuidance } = settings;
  return {
    ...(lora.length > 0 ? { loras: lora.map(loraChoice) } : {}),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(prediction === undefined ? {} : { prediction }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(width === undefined ? {} : { width }),
    ...(frames === undefined ? {} : { frames }),
    ...(embeddedGuidance === undefined ? {} : { embeddedGuidance }),
  };
}

/** `FILE`, or `FILE:weight`. */
export function splitLora(text: string): { path: string; weight?: string } {
  const at = text.lastIndexOf(":");
  if (at <= 0 || existsSync(text)) return { path: text };
  return { path: text.slice(0, at), weight: text.slice(at + 1) };
}

function loraChoice(text: string): { path: string; weight: number } {
  const { path, weight = "1" } = splitLora(text);
  const value = Number(weight);
  if (weight.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`--lora ${text}: the weight behind the colon must be a number`);
  if (!existsSync(path))
    throw new UsageError(`--lora ${text}: ${path === text ? "" : `${path}: `}no such file`);
  return { path, weight: value };
}

/** Flags by the fields of a choice. */
const flags: Readonly<Record<keyof PipelineChoice, string>> = {
  loras: "--lora",
  tokenizer: "--tokenizer",
  prediction: "--prediction",
  resolution: "--resolution",
  width: "--width",
  frames: "--frames",
  embeddedGuidance: "--embedded-guidance",
};

/** @throws UsageError naming the flag, if a model that is no pipeline is to be opened like one */
export function requireNoChoice(source: string, choice: PipelineChoice = {}): void {
  const [field] = Object.keys(choice) as (keyof PipelineChoice)[];
  if (field !== undefined)
    throw new UsageError(
      `${flags[field]}: only for a pipeline, a folder of diffusers or a checkpoint in one file, which ${source} is not`,
    );
}
