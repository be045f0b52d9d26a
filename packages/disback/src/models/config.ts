/** Denoisers from a configuration: creation, saving and loading. */
export { createDenoiser } from "./create-denoiser.js";
export {
  type DenoiserConfig,
  type DenoiserConfigInput,
  denoiserConfig,
  factsOf,
  isOfPipeline,
  pairLayout,
  parseDenoiserConfig,
  sampleShape,
} from "./denoiser-config.js";
export { loadWeights } from "./model-folder.js";
export { loadConfig, loadModel, saveModel } from "./storage.js";
export { type ConfiguredDenoiser, withoutLabels } from "./without-labels.js";
