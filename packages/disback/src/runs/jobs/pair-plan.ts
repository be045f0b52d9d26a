import { type Dataset, TensorDataset } from "../../data/dataset.js";
import { EncodedSamples } from "../../data/encoded-samples.js";
import { requireFittingData } from "../../data/fitting.js";
import { Pairs, requireWords } from "../../data/pairs.js";
import { DisbackError } from "../../errors.js";
import { createDenoiser, type DenoiserConfig, pairLayout, parseDenoiserConfig } from "../../models/config.js";
import { pairCodec } from "../../text/language/codecs.js";
import { Letters, lettersOf } from "../../text/language/letters.js";
import { configured } from "../opened-model.js";
import type { TeacherSettings } from "../settings/teacher.js";
import { type TeacherPlan, withUsual } from "./teacher-plan.js";

type PairConfig = Extract<DenoiserConfig, { network: "pair-unet" }>;

/** Iterations and batch where none are given. */
const usual = { iterations: 2000, batchSize: 64 };

/**
 * A teacher of pairs of a picture and its word: the caption, or the name of its class.
 * @param open opens the pictures at a shape
 * @throws DisbackError naming the setting or the data that do not fit
 */
export async function planPairs(
  given: TeacherSettings,
  model: PairConfig,
  open: (shape: readonly number[]) => Promise<Dataset>,
): Promise<TeacherPlan> {
  const unfit = Object.entries({ conditional: given.conditional, "training.flip": given.training.flip });
  for (const [name, value] of unfit) if (value) throw new DisbackError(`"${name}": has no effect on pairs`);
  const { imageChannels, imageResolution } = model;
  const pictureShape = [imageChannels, imageResolution, imageResolution];
  const pictures = await open(pictureShape);
  requireFittingData(pictures, { sampleShape: pictureShape, labelDim: 0 }, '"model"');
  const words = requireWords(pictures, given.data);
  const config = withWords(model, words, given.data);
  const language = new Letters(config.letters);
  const layout = pairLayout(config);
  const codec = pairCodec(layout, language);
  const pairs = new Pairs(pictures, words, { language, textLength: config.textLength });
  const encoding = { name: "letters", sampleShape: [layout.size], encode: codec.encode };
  return {
    settings: { ...withUsual({ ...given, conditional: false }, usual), model: config },
    codec,
    dataset: new TensorDataset(new EncodedSamples(new TensorDataset(pairs), encoding)),
    make: (generator) => configured({ denoiser: createDenoiser(config, { generator }), config }, codec),
  };
}

/** The model takes the data's alphabet, and the length of their longest word. */
function withWords(model: PairConfig, words: readonly string[], data: string): PairConfig {
  const longest = words.reduce((length, word) => Math.max(length, Array.from(word).length), 1);
  const alphabet = lettersOf([...new Set(words)].join("").concat(" "), data);
  const { letters, textLength } = model;
  if (letters.length > 0 && longest > textLength)
    throw new DisbackError(
      `${data}: has a word of ${longest} letters, but "model.textLength" is ${textLength}`,
    );
  return parseDenoiserConfig({
    ...model,
    letters: letters.length > 0 ? letters : alphabet.letters,
    textLength: letters.length > 0 ? textLength : longest,
  }) as PairConfig;
}
