import type { Generator } from "@disback/torch";
import { TensorDataset } from "../../data/dataset.js";
import { EncodedSamples } from "../../data/encoded-samples.js";
import { readText, textSamples } from "../../data/formats/text.js";
import { CrossEntropyFit } from "../../distill/language/cross-entropy-fit.js";
import { DisbackError } from "../../errors.js";
import { createDenoiser, parseDenoiserConfig, sampleShape } from "../../models/config.js";
import { languageConfig, languageOptions } from "../../models/language/config.js";
import { createLanguageModel } from "../../models/language/create-language-model.js";
import { oneHotDeviation } from "../../models/text-transformer/config.js";
import { randomWeights } from "../../models/weights.js";
import { END_OF_TEXT, learnBytePairs } from "../../text/language/byte-pairs.js";
import { letterCodec, tokenCodec } from "../../text/language/codecs.js";
import { Letters, lettersOf } from "../../text/language/letters.js";
import { TokenizerLanguage } from "../../text/language/tokenizer-language.js";
import { languageModel } from "../language-folder.js";
import { configured } from "../opened-model.js";
import type { TeacherSettings } from "../settings/teacher.js";
import { type TeacherPlan, withUsual } from "./teacher-plan.js";

/** Iterations and batch where none are given. */
const usual = { iterations: 2000, batchSize: 32 };

/**
 * A teacher of texts: a language model over byte pairs, or, with the network `text-transformer`, a denoiser of letters.
 * @throws DisbackError naming the setting or the text that does not fit
 */
export function planText(given: TeacherSettings, notice: (line: string) => void): TeacherPlan {
  const { model, language, conditional, captions, autoencoder, vae } = given;
  const unfit = Object.entries({
    conditional,
    captions,
    autoencoder,
    vae,
    "training.flip": given.training.flip,
  });
  for (const [name, value] of unfit) if (value) throw new DisbackError(`"${name}": has no effect on text`);
  if (model && language) throw new DisbackError('"model" and "language": give one of them');
  if (model && model.network !== "text-transformer")
    throw new DisbackError(`"model.network": for text it must be "text-transformer", not "${model.network}"`);
  return model ? planLetters(given, model) : planLanguage(given, notice);
}

function planLetters(given: TeacherSettings, model: NonNullable<TeacherSettings["model"]>): TeacherPlan {
  if (model.network !== "text-transformer") throw new Error("another network");
  const { data } = given;
  const text = readText(data);
  const { textLength } = model;
  const alphabet = model.letters.length > 0 ? new Letters(model.letters) : lettersOf(text, data);
  if (alphabet.size < 2) throw new DisbackError(`${data}: has one letter only`);
  const config = parseDenoiserConfig({
    ...model,
    letters: alphabet.letters,
    sigmaData: oneHotDeviation(alphabet.size),
  });
  const codec = letterCodec(alphabet, textLength);
  const tokens = textSamples(text, data, { language: alphabet, length: textLength });
  const encoding = { name: data, sampleShape: sampleShape(config), encode: codec.encode };
  return {
    settings: { ...withUsual({ ...given, conditional: false }, usual), model: config },
    codec,
    dataset: new TensorDataset(new EncodedSamples(new TensorDataset(tokens), encoding)),
    make: (generator) => configured({ denoiser: createDenoiser(config, { generator }), config }, codec),
  };
}

function planLanguage(given: TeacherSettings, notice: (line: string) => void): TeacherPlan {
  const { data, vocabularySize } = given;
  const config = given.language ?? languageConfig.parse({});
  const text = readText(data);
  const json = learnBytePairs(text, vocabularySize);
  const { vocab } = (json as { model: { vocab: Record<string, number> } }).model;
  const [tokens, begin] = [Object.keys(vocab).length, vocab[END_OF_TEXT]!];
  const coder = new TokenizerLanguage(json, { size: tokens, end: begin }, data);
  const options = languageOptions(config, { tokens, begin, end: begin });
  const make = (generator: Generator) => {
    const model = createLanguageModel(randomWeights(generator), options, config.textLength);
    return languageModel({ model, language: coder });
  };
  const dataset = new TensorDataset(textSamples(text, data, { language: coder, length: config.textLength }));
  const settings = withUsual({ ...given, conditional: false }, usual);
  if (!given.language)
    notice(
      `chosen for text: a language model of ${config.layers} layers, ${options.channels} channels and ${tokens} tokens, ${settings.training.iterations.toLocaleString("en")} iterations of ${settings.training.batchSize}; all of this can be set, see --show-settings`,
    );
  const codec = tokenCodec(coder, config.textLength);
  return { settings: { ...settings, language: config }, codec, dataset, make, fit: new CrossEntropyFit() };
}
