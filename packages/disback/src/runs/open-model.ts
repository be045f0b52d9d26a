import type { Module } from "@disback/torch";
import { DisbackError, UsageError } from "../errors.js";
import { isPipeline } from "../import/pipeline/pipeline-folder.js";
import { openCodec } from "../models/autoencoder/open-codec.js";
import { loadConfig, loadModel, sampleShape, withoutLabels } from "../models/config.js";
import { DenoiserModule } from "../models/denoiser.js";
import { locateModel } from "./locate-model.js";
import { openPipeline, toldBy } from "./open-pipeline.js";
import { configured, type OpenedModel, type OpeningOptions } from "./opened-model.js";
import { isModuleFile, isModuleFolder, openModuleFile, openModuleFolder } from "./own-modules.js";
import { encodedPrompts, readTextEncoder } from "./text-encoder.js";

/**
 * Loads a model in evaluation mode: a folder, a run, a shipped name, or the user's own module file. @throws
 * DisbackError if it is missing or damaged
 */
export async function openModel(source: string, options: OpeningOptions): Promise<OpenedModel<Module>> {
  const { device, unconditional = false, prompts } = options;
  if (isModuleFile(source)) return whole(source, await openModuleFile(source, device), unconditional);
  if (isPipeline(source)) return openPipeline(source, options);
  const folder = locateModel(source);
  if (isModuleFolder(folder)) return whole(source, await openModuleFolder(folder, device), unconditional);
  if (loadConfig(folder).network === "unet-2d-condition") return openToldByEncoder(folder, options);
  const loaded = loadModel(folder, { device, prompts });
  const codec = openCodec(folder, sampleShape(loaded.config), { device });
  if (unconditional && loaded.config.network === "text-unet")
    throw new UsageError(`--unconditional: ${source} is told a text; train one without --captions`);
  if (!unconditional || loaded.config.labelDim === 0) return configured(loaded, codec);
  const part = withoutLabels(loaded);
  loaded.denoiser.dispose();
  return configured(part, codec);
}

/** Whether a model's prompts are encoded by something else. */
export function needsEncoder(source: string): boolean {
  if (isPipeline(source)) return true;
  if (isModuleFile(source)) return false;
  const folder = locateModel(source);
  return !isModuleFolder(folder) && loadConfig(folder).network === "unet-2d-condition";
}

/** A denoiser whose prompts are encoded by a pipeline's encoders. */
async function openToldByEncoder(folder: string, options: OpeningOptions): Promise<OpenedModel> {
  const { device, prompts, alsoEncode = [] } = options;
  const encoder = readTextEncoder(folder);
  const told = { pipeline: encoder.pipeline, prompts: prompts ?? encoder.prompts };
  const loaded = loadModel(folder, { device });
  const codec = openCodec(folder, sampleShape(loaded.config), { device });
  const { condition: shapes } = loaded.denoiser.facts;
  const side = codec.shownShape[1]!;
  const rows = await encodedPrompts(told, {
    shapes,
    sizes: shapes.sizes !== undefined,
    side,
    device,
    alsoEncode,
  });
  return toldBy(configured(loaded, codec), told, rows);
}

/** Opens a denoiser. @throws DisbackError if it is another kind of model */
export async function openDenoiser(source: string, options: OpeningOptions): Promise<OpenedModel> {
  const model = await openModel(source, options);
  if (model.module instanceof DenoiserModule) return model as OpenedModel;
  throw new DisbackError(`${source}: is not a denoiser but a generator`);
}

function whole(source: string, model: OpenedModel<Module>, unconditional: boolean): OpenedModel<Module> {
  if (unconditional && Object.keys(model.facts.condition).length > 0)
    throw new UsageError(`--unconditional: ${source} is your own module; remove the condition in it`);
  return model;
}
