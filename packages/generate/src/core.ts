/** The part that works in every runtime, including browsers. */
export { descriptionKey, type ModelDescription, readDescription } from "./description.js";
export { GenerateError } from "./errors.js";
export { type GenerateOptions, OnnxGenerator, type Samples, type Shown } from "./generator.js";
export { LatentSource } from "./latent-source.js";
export type { SamplerOptions } from "./noise-levels.js";
export { type Images, toImages } from "./pixels.js";
export { describeUnread, type PromptReader, type ReadPrompt, readPrompt, wordsOf } from "./prompt.js";
export { NormalStream } from "./random-normal.js";
