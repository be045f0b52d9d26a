import type { Module } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { OpenedLanguageModel } from "../import/language/open-language-model.js";
import { gpt2Config } from "../import/transformers/gpt2.js";
import { llamaConfig } from "../import/transformers/llama.js";
import { LanguageModel } from "../models/language/language-model.js";
import { writeModelFolder } from "../models/model-folder.js";
import { tokenCodec } from "../text/language/codecs.js";
import type { OpenedModel } from "./opened-model.js";

/** A language model for runs. It is saved as a folder of transformers, which opens there too. */
export function languageModel({ model, language }: OpenedLanguageModel): OpenedModel<LanguageModel> {
  const codec = tokenCodec(language, model.length);
  return {
    ...{ module: model, facts: model.facts, codec },
    save: (folder, weights) => {
      const { options } = requireLanguageModel(weights, "model");
      writeModelFolder(
        folder,
        weights,
        options.layout === "llama" ? llamaConfig(options) : gpt2Config(options),
      );
      codec.save(folder);
    },
  };
}

/** @param who for the message @throws DisbackError if a module is another kind of model */
export function requireLanguageModel(module: Module, who: string): LanguageModel {
  if (module instanceof LanguageModel) return module;
  throw new DisbackError(`${who}: is not a language model`);
}
