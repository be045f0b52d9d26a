import type { Device, Module } from "@disback/torch";
import { DisbackError, UsageError } from "../errors.js";
import { isLanguageModel, openLanguageModel } from "../import/language/open-language-model.js";
import { isTextToImageSource } from "../import/pipeline/text-to-image-source.js";
import { openCodec } from "../models/autoencoder/open-codec.js";
import {
  type DenoiserConfig,
  isOfPipeline,
  loadConfig,
  loadModel,
  pairLayout,
  sampleShape,
  withoutLabels,
} from "../models/config.js";
import { DenoiserModule } from "../models/denoiser.js";
import { isGeneratorFolder } from "../models/generators/storage.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { isTaskAdaptersFolder } from "../models/tasks/adapters-storage.js";
import { letterCodec, pairCodec } from "../text/language/codecs.js";
import { Letters } from "../text/language/letters.js";
import { isAdapterFolder, openAdapterFolder, readAdapterFolder } from "./adapter-folder.js";
import { isCheckpointFile, openGanFile, openGeneratorFolder } from "./generator-model.js";
import { languageModel } from "./language-folder.js";
import { locateModel } from "./locate-model.js";
import { isAutoencoderFolder } from "./open-autoencoder.js";
import { openPipeline, toldBy } from "./open-pipeline.js";
import { configured, type OpenedModel, type OpeningOptions } from "./opened-model.js";
import {
  isModuleFile,
  isModuleFolder,
  openModuleFile,
  openModuleFolder,
  openPictures,
} from "./own-modules.js";
import { requireNoChoice } from "./pipeline-choice.js";
import { holdsTasks, openTaskFolder, refuseNoTask } from "./task-folder.js";
import { encodedPrompts, hasTextEncoder, readTextEncoder } from "./text-encoder.js";

/**
 * Loads a model in evaluation mode: a folder, a run, a shipped name, or the user's own module file. @throws
 * DisbackError if it is missing or damaged
 */
export async function openModel(source: string, options: OpeningOptions): Promise<OpenedModel<Module>> {
  const { device, unconditional = false, prompts } = options;
  if (isTextToImageSource(source)) return openPipeline(source, options);
  requireNoChoice(source, options.pipeline);
  if (isModuleFile(source)) return whole(source, await openModuleFile(source, device), unconditional);
  if (/\.gguf$/i.test(source)) return openLanguage(source, options);
  if (isCheckpointFile(source)) return openGanFile(source, device);
  const folder = locateModel(source);
  if (isLanguageModel(folder)) return openLanguage(folder, options);
  if (isAdapterFolder(folder)) {
    if (unconditional)
      throw new UsageError(`--unconditional: ${source} holds adapters, which keep the classes of their base`);
    const { base, adapters } = await openBaseAndAdapters(folder, options);
    adapters.mergeIntoBase();
    adapters.dispose();
    return base;
  }
  if (isAutoencoderFolder(folder))
    throw new DisbackError(
      `${source}: is an autoencoder, which draws nothing by itself; distil it with --half, train on its latents with --autoencoder, or give it as a --decoder`,
    );
  if (isModuleFolder(folder)) return whole(source, await openModuleFolder(folder, device), unconditional);
  if (isGeneratorFolder(folder))
    return withItsClasses(source, await openGeneratorFolder(folder, device), unconditional);
  if (holdsTasks(folder)) return openTaskFolder(source, folder, options);
  if (isToldByEncoder(folder)) return openToldByEncoder(folder, options);
  const loaded = loadModel(folder, { device, prompts });
  const codec = (await openPictures(folder)) ?? codecOf(folder, loaded.config, device);
  if (unconditional && loaded.config.tasks) refuseNoTask(source);
  if (unconditional && loaded.config.network === "text-unet")
    throw new UsageError(`--unconditional: ${source} is told a text; train one without --captions`);
  if (!unconditional || loaded.config.labelDim === 0) return configured(loaded, codec);
  const part = withoutLabels(loaded);
  loaded.denoiser.dispose();
  return configured(part, codec);
}

/**
 * Opens a student of adapters with the base as it was, for what needs the adapters themselves. @throws DisbackError if it
 * has weights of its own, or as `openModel`
 */
export async function openAdapters(source: string, device: Device): Promise<OpenedModel> {
  const folder = isModuleFile(source) ? source : locateModel(source);
  if (isTaskAdaptersFolder(folder))
    throw new DisbackError(
      `${source}: has adapters for each of several tasks, and no format of LoRAs tells them apart`,
    );
  if (!isAdapterFolder(folder))
    throw new DisbackError(
      `${source}: has no adapters, because all its weights were trained; train with --rank`,
    );
  const { base, adapters } = await openBaseAndAdapters(folder, { device, weightsOnly: true });
  return { ...base, module: adapters };
}

function openBaseAndAdapters(folder: string, options: OpeningOptions) {
  const told = hasTextEncoder(folder) ? readTextEncoder(folder) : undefined;
  const prompts = options.prompts ?? (told && told.prompts.length > 0 ? told.prompts : undefined);
  return openAdapterFolder(folder, (base, unconditional) =>
    openDenoiser(base, {
      ...{ ...options, prompts, unconditional },
      pipeline: isTextToImageSource(base) ? told?.choice : undefined,
    }),
  );
}

/** Whether a model's prompts are encoded by something else. */
export function needsEncoder(source: string): boolean {
  if (isTextToImageSource(source)) return true;
  if (isModuleFile(source) || isCheckpointFile(source) || /\.gguf$/i.test(source)) return false;
  const folder = locateModel(source);
  if (isAdapterFolder(folder)) return baseNeedsEncoder(folder);
  const another = [isModuleFolder, isGeneratorFolder, holdsTasks, isLanguageModel, isAutoencoderFolder].some(
    (is) => is(folder),
  );
  return !another && isToldByEncoder(folder);
}

/** Whether a model folder's network is told what a pipeline's encoders say. */
function isToldByEncoder(folder: string): boolean {
  return isOfPipeline(loadConfig(folder));
}

/** A base that is gone is told of where it is opened. */
function baseNeedsEncoder(folder: string): boolean {
  const { base } = readAdapterFolder(folder);
  try {
    return needsEncoder(base);
  } catch (error) {
    if (error instanceof DisbackError) return false;
    throw error;
  }
}

/** A denoiser whose prompts are encoded by a pipeline's encoders. */
async function openToldByEncoder(folder: string, options: OpeningOptions): Promise<OpenedModel> {
  const { device, prompts, alsoEncode = [], weightsOnly = false } = options;
  const loaded = loadModel(folder, { device });
  const codec = openCodec(folder, sampleShape(loaded.config), { device });
  if (weightsOnly) return configured(loaded, codec);
  const encoder = readTextEncoder(folder);
  const told = { ...encoder, prompts: prompts ?? encoder.prompts };
  const { condition: shapes } = loaded.denoiser.facts;
  const side = codec.shownShape[1]!;
  const rows = await encodedPrompts(told, {
    shapes,
    ...{ sizes: shapes.sizes !== undefined, guidance: shapes.guidance !== undefined },
    side,
    device,
    alsoEncode,
  });
  return toldBy(configured(loaded, codec), told, rows);
}

function codecOf(folder: string, config: DenoiserConfig, device: Device): SampleCodec {
  if (config.network === "text-transformer")
    return letterCodec(new Letters(config.letters), config.textLength);
  if (config.network === "pair-unet") return pairCodec(pairLayout(config), new Letters(config.letters));
  const codec = openCodec(folder, sampleShape(config), { device });
  return config.tasks ? { ...codec, tasks: Object.keys(config.tasks) } : codec;
}

async function openLanguage(source: string, { device, textLength }: OpeningOptions) {
  return languageModel(await openLanguageModel(source, { device, length: textLength }));
}

/** Opens a denoiser. @throws DisbackError if it is another kind of model */
export async function openDenoiser(source: string, options: OpeningOptions): Promise<OpenedModel> {
  const model = await openModel(source, options);
  if (model.module instanceof DenoiserModule) return model as OpenedModel;
  throw new DisbackError(`${source}: is not a denoiser but a generator`);
}

function withItsClasses(
  source: string,
  model: OpenedModel<Module>,
  unconditional: boolean,
): OpenedModel<Module> {
  if (unconditional && Object.keys(model.facts.condition).length > 0)
    throw new UsageError(`--unconditional: ${source} is a generator from a vector, which keeps its classes`);
  return model;
}

function whole(source: string, model: OpenedModel<Module>, unconditional: boolean): OpenedModel<Module> {
  if (unconditional && Object.keys(model.facts.condition).length > 0)
    throw new UsageError(`--unconditional: ${source} is your own module; remove the condition in it`);
  return model;
}
