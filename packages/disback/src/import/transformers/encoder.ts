import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { GivenConfig } from "../diffusers/strict-fields.js";

export const count = z.int().positive();

/** Fields that the configurations of BERT and of CLIP's text model share, as read. */
interface EncoderFields {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  max_position_embeddings: number;
  layer_norm_eps: number;
}

/** The same under names of ours. @throws DisbackError naming the file if the heads do not fit the channels */
export function encoderOptions({ configPath }: GivenConfig, given: EncoderFields) {
  const { hidden_size: channels, num_attention_heads: heads } = given;
  if (channels % heads !== 0)
    throw new DisbackError(
      `${configPath}: "num_attention_heads": ${heads} cannot share ${channels} channels`,
    );
  return {
    ...{ channels, heads, tokens: given.vocab_size, layers: given.num_hidden_layers },
    feedForwardChannels: given.intermediate_size,
    places: given.max_position_embeddings,
    normalizationEps: given.layer_norm_eps,
  };
}
