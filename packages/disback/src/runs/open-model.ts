import type { Device } from "@disback/torch";
import { type ConfiguredDenoiser, loadModel, withoutLabels } from "../models/config.js";
import { locateModel } from "./locate-model.js";

/** How a model is opened. */
export interface OpeningOptions {
  device: Device;
  /** A class-conditional model is asked without labels: its unconditional part is opened. Default false. */
  unconditional?: boolean;
}

/**
 * Loads a model by folder, run or shipped name, in evaluation mode.
 * @throws DisbackError when it is missing or damaged
 */
export function openModel(source: string, { device, unconditional }: OpeningOptions): ConfiguredDenoiser {
  const model = loadModel(locateModel(source), { device });
  if (!unconditional || model.config.labelDim === 0) return model;
  const part = withoutLabels(model);
  model.denoiser.dispose();
  return part;
}
