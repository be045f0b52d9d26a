import type { Device, Module } from "@disback/torch";
import { DisbackError, UsageError } from "../errors.js";
import { openCodec } from "../models/autoencoder/open-codec.js";
import {
  type ConfiguredDenoiser,
  loadModel,
  sampleShape,
  saveModel,
  withoutLabels,
} from "../models/config.js";
import { DenoiserModule } from "../models/denoiser.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { isAdapterFolder, openAdapterFolder } from "./adapter-folder.js";
import { locateModel } from "./locate-model.js";
import type { OpenedModel } from "./opened-model.js";
import {
  isModuleFile,
  isModuleFolder,
  openModuleFile,
  openModuleFolder,
  openPictures,
} from "./own-modules.js";

/** Options of opening a model. */
export interface OpeningOptions {
  device: Device;
  /** Open the unconditional part of a class-conditional model. Default false. */
  unconditional?: boolean;
  /** Prompts of a model that is told a text, instead of those of its training. */
  prompts?: readonly string[] | undefined;
}

/**
 * Loads a model in evaluation mode: a folder, a run, a shipped name, or the user's own module file. @throws
 * DisbackError if it is missing or damaged
 */
export async function openModel(source: string, options: OpeningOptions): Promise<OpenedModel<Module>> {
  const { device, unconditional = false, prompts } = options;
  if (isModuleFile(source)) return whole(source, await openModuleFile(source, device), unconditional);
  const folder = locateModel(source);
  if (isAdapterFolder(folder)) {
    if (unconditional)
      throw new UsageError(`--unconditional: ${source} holds adapters, which keep the classes of their base`);
    const { base, adapters } = await openBaseAndAdapters(folder, { device, prompts });
    adapters.mergeIntoBase();
    adapters.dispose();
    return base;
  }
  if (isModuleFolder(folder)) return whole(source, await openModuleFolder(folder, device), unconditional);
  const loaded = loadModel(folder, { device, prompts });
  const codec = (await openPictures(folder)) ?? openCodec(folder, sampleShape(loaded.config), { device });
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
  if (!isAdapterFolder(folder))
    throw new DisbackError(`${source}: is no adapters but a model with all its weights; train with --rank`);
  const { base, adapters } = await openBaseAndAdapters(folder, { device });
  return { ...base, module: adapters };
}

function openBaseAndAdapters(folder: string, options: OpeningOptions) {
  return openAdapterFolder(folder, (base, unconditional) => openDenoiser(base, { ...options, unconditional }));
}

/** Opens a denoiser. @throws DisbackError if it is another kind of model */
export async function openDenoiser(source: string, options: OpeningOptions): Promise<OpenedModel> {
  const model = await openModel(source, options);
  if (model.module instanceof DenoiserModule) return model as OpenedModel;
  throw new DisbackError(`${source}: is not a denoiser but a generator`);
}

/** Opens a model with a configuration. */
export function configured({ denoiser, config }: ConfiguredDenoiser, codec: SampleCodec): OpenedModel {
  return {
    ...{ module: denoiser, facts: denoiser.facts, codec, config },
    save: (folder, module) => {
      saveModel(folder, module as DenoiserModule, config);
      codec.save(folder);
    },
  };
}

function whole(source: string, model: OpenedModel<Module>, unconditional: boolean): OpenedModel<Module> {
  if (unconditional && Object.keys(model.facts.condition).length > 0)
    throw new UsageError(`--unconditional: ${source} is your own module; remove the condition in it`);
  return model;
}
