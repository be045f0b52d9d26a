import { z } from "zod";
import type { LanguageOptions } from "./options.js";

const count = z.int().positive();

/** Sizes of a language model that is made here, in Llama's layout. Unknown fields are errors. */
export const languageConfig = z.strictObject({
  layers: count.max(1000).default(4),
  heads: count.default(4),
  channelsPerHead: count.multipleOf(2).default(32),
  /** channels between the two layers of each feed-forward part; default 8/3 of the others, in whole 16s */
  feedForwardChannels: count.optional(),
  /** tokens of a text */
  textLength: count.max(65_536).default(64),
});

export type LanguageConfig = z.output<typeof languageConfig>;

/** @param vocabulary size and first token of what it reads */
export function languageOptions(
  { layers, heads, channelsPerHead, feedForwardChannels, textLength }: LanguageConfig,
  { tokens, begin, end }: Pick<LanguageOptions, "tokens" | "begin" | "end">,
): LanguageOptions {
  const channels = heads * channelsPerHead;
  return {
    layout: "llama",
    ...{ tokens, begin, end, places: textLength + 1, channels, layers, heads },
    keyValueHeads: heads,
    headChannels: channelsPerHead,
    feedForwardChannels: feedForwardChannels ?? 16 * Math.ceil((8 * channels) / 48),
    normalizationEps: 1e-5,
    rotaryBase: 10000,
    activation: "gelu",
    tied: true,
  };
}

/** Half the width and half the layers: about a tenth of the parameters of a model with a small vocabulary. */
export function halvedLanguage(options: LanguageOptions): LanguageOptions | undefined {
  const { layers, heads, keyValueHeads, headChannels, feedForwardChannels } = options;
  if (heads % 2 !== 0) return undefined;
  return {
    ...options,
    layers: Math.ceil(layers / 2),
    heads: heads / 2,
    keyValueHeads: Math.max(1, Math.floor(keyValueHeads / 2)),
    channels: (heads / 2) * headChannels,
    feedForwardChannels: Math.ceil(feedForwardChannels / 2),
  };
}
