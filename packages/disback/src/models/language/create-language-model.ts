import type { WeightSource } from "../weights.js";
import { Gpt2 } from "./gpt2.js";
import type { LanguageModel } from "./language-model.js";
import { Llama } from "./llama.js";
import type { LanguageOptions } from "./options.js";

/** A language model with weights from a source. @param length tokens of a sample */
export function createLanguageModel(
  source: WeightSource,
  options: LanguageOptions,
  length: number,
): LanguageModel {
  return options.layout === "llama" ? new Llama(source, options, length) : new Gpt2(source, options, length);
}
