import { z } from "zod";
import type { BertOptions } from "../../text/bert/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping } from "./bookkeeping.js";
import { count, encoderOptions } from "./encoder.js";

/** `BertConfig`'s fields, with its defaults. */
const fields = {
  vocab_size: count.default(30522),
  hidden_size: count.default(768),
  num_hidden_layers: count.max(1000).default(12),
  num_attention_heads: count.default(12),
  intermediate_size: count.default(3072),
  hidden_act: only("gelu"),
  max_position_embeddings: count.default(512),
  type_vocab_size: count.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  position_embedding_type: only("absolute"),
  is_decoder: only(false),
  add_cross_attention: only(false),
};

/** `hidden_dropout_prob`, `attention_probs_dropout_prob`: the encoder is never trained here. */
const harmless = [...bookkeeping, "hidden_dropout_prob", "attention_probs_dropout_prob", "eos_token_id"];

/**
 * Reads the configuration of a `BertModel`.
 * @param pooler whether its file has one
 * @throws DisbackError naming file and field
 */
export function describeBert(component: GivenConfig, pooler: boolean): BertOptions {
  const given = parseStrictFields(fields, harmless, component);
  return { ...encoderOptions(component, given), kinds: given.type_vocab_size, pooler };
}
