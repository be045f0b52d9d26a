/** Denoisers described by a configuration: created, saved and loaded. */
export { createDenoiser } from "./create-denoiser.js";
export {
  type DenoiserConfig,
  type DenoiserConfigInput,
  denoiserConfig,
  parseDenoiserConfig,
  sampleShape,
} from "./denoiser-config.js";
export { loadConfig, loadModel, loadWeights, saveModel } from "./storage.js";
export { type ConfiguredDenoiser, withoutLabels } from "./without-labels.js";
