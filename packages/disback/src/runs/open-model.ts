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
import { isModuleFile, isModuleFolder, openModuleFile, openModuleFolder } from "./own-modules.js";

/** How a model is opened. */
export interface OpeningOptions {
  device: Device;
  /** A class-conditional model is asked without labels: its unconditional part is opened. Default false. */
  unconditional?: boolean;
}

/**
 * Loads a model by folder, run, shipped name, or a module file of the user's own, in evaluation mode.
 * @throws DisbackError when it is missing or damaged
 */
export async function openModel(source: string, options: OpeningOptions): Promise<OpenedModel<Module>> {
  const { device, unconditional = false } = options;
  if (isModuleFile(source)) return whole(source, await openModuleFile(source, device), unconditional);
  const folder = locateModel(source);
  if (isModuleFolder(folder)) return whole(source, await openModuleFolder(folder, device), unconditional);
  const loaded = loadModel(folder, { device });
  const codec = openCodec(folder, sampleShape(loaded.config), { device });
  if (!unconditional || loaded.config.labelDim === 0) return configured(loaded, codec);
  const part = withoutLabels(loaded);
  loaded.denoiser.dispose();
  return configured(part, codec);
}

/** Opens a model that restores samples from noise. @throws DisbackError if it is another kind of model */
export async function openDenoiser(source: string, options: OpeningOptions): Promise<OpenedModel> {
  const model = await openModel(source, options);
  if (model.module instanceof DenoiserModule) return model as OpenedModel;
  throw new DisbackError(`${source}: is no denoiser; it makes samples by itself`);
}

/** A model that is described by a configuration. */
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
    throw new UsageError(`--unconditional: ${source} is a module of your own; leave the condition out of it`);
  return model;
}
