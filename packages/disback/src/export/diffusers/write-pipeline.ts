import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { noGrad, scope, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { JsonObject } from "../../import/diffusers/json-file.js";
import { readJsonObject } from "../../import/diffusers/json-file.js";
import { readLoras } from "../../import/lora/merge-lora.js";
import { buildTextToImageNetwork, isTextToImageNetwork } from "../../import/pipeline/open-network.js";
import { openClipText, openT5, openUmt5 } from "../../import/pipeline/open-text-encoder.js";
import {
  configured,
  type PipelineFolder,
  type PipelinePart,
  readPipelineFolder,
  requiredPart,
} from "../../import/pipeline/pipeline-folder.js";
import { isSingleFile, type PipelineChoice } from "../../import/pipeline/text-to-image-source.js";
import type { ConditionedNetwork, TextNetwork } from "../../models/conditioned-network.js";
import type { DenoiserConfig } from "../../models/config.js";
import { halved } from "../../models/model-folder.js";
import type { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import type { ExportableModel } from "../exportable.js";
import { copyPart } from "./copy-part.js";
import { noiseLevels } from "./scheduler-config.js";
import { levelsOf, type StudentUse, studentUse } from "./student-use.js";

/** A pipeline that was written. */
export interface WrittenPipeline {
  /** of the network's weights */
  bytes: number;
  /** parts that were copied from the base, and their bytes */
  copied: readonly string[];
  copiedBytes: number;
  /** class of the scheduler */
  scheduler: string;
}

export interface PipelineOptions {
  /** the pipeline that the model was made from, and how it was opened */
  base: { path: string; choice: PipelineChoice };
  precision: "f32" | "f16";
  /** told what is being done */
  onPart?: ((what: string) => void) | undefined;
}

/**
 * Writes a text-to-image model as a pipeline's folder: the network's weights in `unet/` or `transformer/`, a scheduler with
 * a student's noise levels, the other parts as the base has them (text encoders with merged LoRAs have them merged), and
 * for a student `README.md` with the settings to use.
 * @param folder is made
 * @throws DisbackError if the base is one file, lacks a part, or has a network of other sizes
 */
export async function writePipelineFolder(
  folder: string,
  { student, embeddedGuidance = 1 }: Pick<ExportableModel, "student" | "embeddedGuidance">,
  denoiser: PreconditionedDenoiser,
  config: DenoiserConfig,
  { base: { path, choice }, precision, onPart }: PipelineOptions,
): Promise<WrittenPipeline> {
  if (isSingleFile(path))
    throw new DisbackError(
      `--format diffusers: the base ${path} is one file, so there are no folders of tokenizer, text encoder and autoencoder to copy; use --format lora or safetensors, or distill from the folder that diffusers makes of it (from_single_file, save_pretrained)`,
    );
  const base = readPipelineFolder(path);
  const part = [...base.parts.values()].find(({ className }) => isTextToImageNetwork(className));
  if (!part) throw new DisbackError(`${join(path, "model_index.json")}: names no network any more`);
  const networkConfig = configOf(part, denoiser);
  const scheduler = requiredPart(base, "scheduler");
  const others = [...base.parts.values()].filter((one) => one !== part && one !== scheduler);
  for (const one of others)
    if (!existsSync(one.folder))
      throw new DisbackError(`${one.folder}: no such folder, but model_index.json names "${one.name}"`);
  const use = studentUse(denoiser, levelsOf(student), embeddedGuidance);

  onPart?.(`writing ${part.name}`);
  const weights = join(folder, part.name, "diffusion_pytorch_model.safetensors");
  mkdirSync(join(folder, part.name), { recursive: true });
  scope(() => {
    const state = denoiser.model.stateDict();
    writeSafetensors(weights, precision === "f16" ? noGrad(() => halved(state)) : state, { format: "pt" });
  });
  writeJson(join(folder, part.name, "config.json"), networkConfig);
  const schedulerConfig = schedulerFor(scheduler, use, config);
  mkdirSync(join(folder, scheduler.name));
  writeJson(join(folder, scheduler.name, "scheduler_config.json"), schedulerConfig);
  const loras = await readLoras(choice.loras ?? []);
  let copiedBytes = 0;
  for (const one of others) {
    onPart?.(`copying ${one.name}`);
    const isMerged = [...loras.targets].some((target) => target === one.name);
    copiedBytes += copyPart(one, join(folder, one.name), !isMerged);
    if (isMerged) await writeMerged(one, join(folder, one.name));
  }
  writeJson(join(folder, "model_index.json"), indexOf(base, scheduler, schedulerConfig));
  if (use.scheduler) writeFileSync(join(folder, "README.md"), readme(use, levelsOf(student).length));
  return {
    bytes: statSync(weights).size,
    copied: others.map(({ name }) => name),
    copiedBytes,
    scheduler: String(schedulerConfig["_class_name"]),
  };

  /** A text encoder with its LoRAs. */
  async function writeMerged(encoderPart: PipelinePart, to: string): Promise<void> {
    const open =
      { T5EncoderModel: openT5, UMT5EncoderModel: openUmt5 }[encoderPart.className] ?? openClipText;
    const encoder = await open(encoderPart);
    for (const target of loras.targets) if (target === encoderPart.name) loras.merge(target, encoder);
    writeSafetensors(join(to, "model.safetensors"), encoder.stateDict(), { format: "pt" });
    encoder.dispose();
  }
}

/** The base's configuration of the network. @throws DisbackError if the model's network is another */
function configOf(part: PipelinePart, { model, facts }: PreconditionedDenoiser): JsonObject {
  const given = configured(part);
  const { kind, module, sampleShape } = buildTextToImageNetwork(given, part.className);
  const own = (model as ConditionedNetwork).network;
  const [had, wanted] = [plain(own), plain(module)];
  // The model's own may say more.
  if (!Object.entries(wanted).every(([field, value]) => isDeepStrictEqual(had[field], value)))
    throw new DisbackError(
      `--format diffusers: the model's network has other sizes than ${given.configPath}; use --format safetensors`,
    );
  const { _name_or_path: _, ...config } = given.config;
  const [, height, width] = facts.sampleShape;
  // Here it is no more than the size that is drawn by default.
  if (kind !== "unet-2d-condition" || (sampleShape[1] === height && sampleShape[2] === width)) return config;
  return { ...config, sample_size: height === width ? height : [height, width] };
}

/** Options without fields that are not set. */
function plain({ options }: TextNetwork): JsonObject {
  return JSON.parse(JSON.stringify(options)) as JsonObject;
}

function schedulerFor(part: PipelinePart, { scheduler }: StudentUse, config: DenoiserConfig): JsonObject {
  const given = readJsonObject(join(part.folder, "scheduler_config.json"));
  if (!scheduler) return given;
  const { className, options } = scheduler;
  if (config.preconditioning === "discrete") {
    if (config.betaSchedule === "sigmoid")
      throw new DisbackError(`--format diffusers: ${className} has no schedule "sigmoid"`);
    // Without effect on given steps, but diffusers' pipelines warn of another offset.
    return { ...noiseLevels(config, className), steps_offset: 1, ...options };
  }
  const spacings = { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false };
  // Another scheduler's fields mean nothing to this one.
  const kept = given["_class_name"] === className ? given : {};
  return { ...kept, ...spacings, shift_terminal: null, _class_name: className, ...options };
}

function indexOf({ path }: PipelineFolder, { name }: PipelinePart, scheduler: JsonObject): JsonObject {
  const { _name_or_path: _, ...index } = readJsonObject(join(path, "model_index.json"));
  return { ...index, [name]: ["diffusers", scheduler["_class_name"]] };
}

function readme({ scheduler, lines }: StudentUse, steps: number): string {
  const imports = lines.some((line) => line.includes("torch.")) ? ["import torch"] : [];
  return `# A student of ${steps} step${steps > 1 ? "s" : ""}, for diffusers

Use it without further guidance: guidance is built in. \`scheduler/\` has its scheduler, ${scheduler!.className}, with its settings.

\`\`\`python
${[
  ...imports,
  "from diffusers import DiffusionPipeline",
  "",
  'pipe = DiffusionPipeline.from_pretrained("this folder")',
  ...lines,
].join("\n")}
\`\`\`
`;
}

function writeJson(path: string, content: JsonObject): void {
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}
