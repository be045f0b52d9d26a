import { z } from "zod";
import type { T5Options } from "../../text/t5/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping } from "./bookkeeping.js";
import { count } from "./encoder.js";

/** `T5Config`'s fields, with its defaults. */
const fields = {
  vocab_size: count.default(32128),
  d_model: count.default(512),
  d_kv: count.default(64),
  d_ff: count.default(2048),
  num_layers: count.max(1000).default(6),
  num_heads: count.default(8),
  relative_attention_num_buckets: count.min(4).default(32),
  relative_attention_max_distance: count.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: only("relu", "gated-gelu"),
  is_decoder: only(false),
};

/**
 * Of the decoder, of generation, or never in effect here. `dense_act_fn`, `is_gated_act`: follow from
 * `feed_forward_proj`.
 */
const harmless = [
  ...bookkeeping,
  "dropout_rate",
  "eos_token_id",
  "decoder_start_token_id",
  "is_encoder_decoder",
  "num_decoder_layers",
  "dense_act_fn",
  "is_gated_act",
  "scale_decoder_outputs",
  "output_past",
  "n_positions",
  "task_specific_params",
];

/** `scalable_attention`, `tokenizer_class`: in published files, read by nothing. */
const umt5Harmless = [...harmless, "scalable_attention", "tokenizer_class"];

/** `UMT5Config`'s fields, with its defaults. */
const umt5Fields = {
  ...fields,
  vocab_size: count.default(250112),
  d_ff: count.default(1024),
  num_layers: count.max(1000).default(8),
  num_heads: count.default(6),
  feed_forward_proj: only("relu", "gated-gelu").default("gated-gelu"),
};

/** Reads the configuration of a `UMT5EncoderModel`. @throws DisbackError naming file and field */
export function describeUmt5(component: GivenConfig): T5Options {
  return optionsOf(parseStrictFields(umt5Fields, umt5Harmless, component), true);
}

/** Reads the configuration of a `T5EncoderModel`. @throws DisbackError naming file and field */
export function describeT5(component: GivenConfig): T5Options {
  return optionsOf(parseStrictFields(fields, harmless, component), false);
}

function optionsOf(given: z.output<z.ZodObject<typeof fields>>, ownDistances: boolean): T5Options {
  return {
    ownDistances,
    tokens: given.vocab_size,
    channels: given.d_model,
    headChannels: given.d_kv,
    feedForwardChannels: given.d_ff,
    layers: given.num_layers,
    heads: given.num_heads,
    distanceBuckets: given.relative_attention_num_buckets,
    longestDistance: given.relative_attention_max_distance,
    normalizationEps: given.layer_norm_epsilon,
    gated: given.feed_forward_proj === "gated-gelu",
  };
}
