import type { Device } from "@disback/torch";
import { openCodec } from "../models/autoencoder/open-codec.js";
import { type ConfiguredDenoiser, loadModel, sampleShape, withoutLabels } from "../models/config.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { locateModel } from "./locate-model.js";

/** How a model is opened. */
export interface OpeningOptions {
  device: Device;
  /** A class-conditional model is asked without labels: its unconditional part is opened. Default false. */
  unconditional?: boolean;
}

/** A model out of a folder, and how its samples are shown. */
export interface OpenedModel extends ConfiguredDenoiser {
  codec: SampleCodec;
}

/**
 * Loads a model by folder, run or shipped name, in evaluation mode.
 * @throws DisbackError when it is missing or damaged
 */
export function openModel(source: string, { device, unconditional }: OpeningOptions): OpenedModel {
  const folder = locateModel(source);
  const loaded = loadModel(folder, { device });
  const model = { ...loaded, codec: openCodec(folder, sampleShape(loaded.config), { device }) };
  if (!unconditional || model.config.labelDim === 0) return model;
  const part = withoutLabels(model);
  model.denoiser.dispose();
  return { ...part, codec: model.codec };
}
