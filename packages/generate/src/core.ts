/** The part that works in every runtime, including browsers. */
export { descriptionKey, type ModelDescription, readDescription } from "./description.js";
export { GenerateError } from "./errors.js";
export { type GenerateOptions, OnnxGenerator, type Samples } from "./generator.js";
export { LatentSource } from "./latent-source.js";
export type { SamplerOptions } from "./noise-levels.js";
export { type Images, toImages } from "./pixels.js";
export { NormalStream } from "./random-normal.js";
