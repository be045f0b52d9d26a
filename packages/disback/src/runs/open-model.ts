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
}

/**
 * Loads a model in evaluation mode: a folder, a run, a shipped name, or the user's own module file. @throws
 * DisbackError if it is missing or damaged
 */
export async function openModel(source: string, options: OpeningOptions): Promise<OpenedModel<Module>> {
  const { device, unconditional = false } = options;
  if (isModuleFile(source)) return whole(source, await openModuleFile(source, device), unconditional);
  const folder = locateModel(source);
  if (isModuleFolder(folder)) return whole(source, await openModuleFolder(folder, device), unconditional);
  const loaded = loadModel(folder, { device });
  const codec = (await openPictures(folder)) ?? openCodec(folder, sampleShape(loaded.config), { device });
  if (!unconditional || loaded.config.labelDim === 0) return configured(loaded, codec);
  const part = withoutLabels(loaded);
  loaded.denoiser.dispose();
  return configured(part, codec);
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
