import { z } from "zod";
import type { LanguageOptions } from "../../models/language/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping } from "./bookkeeping.js";
import { count } from "./encoder.js";
import { first } from "./llama.js";

const token = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).min(1)]).nullish();

/** `GPT2Config`'s fields, with its defaults. */
const fields = {
  vocab_size: count.default(50257),
  n_positions: count.default(1024),
  n_embd: count.default(768),
  n_layer: count.max(1000).default(12),
  n_head: count.default(12),
  n_inner: count.nullish(),
  activation_function: only("gelu_new", "gelu"),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: only(true),
  scale_attn_by_inverse_layer_idx: only(false),
  tie_word_embeddings: only(true),
  add_cross_attention: only(false),
  bos_token_id: token.default(50256),
  eos_token_id: token.default(50256),
};

const read = new Set(["tie_word_embeddings", "bos_token_id"]);

/** Dropout, summaries for classification, the same size under another name. */
const harmless = [
  ...bookkeeping.filter((name) => !read.has(name)),
  "attn_pdrop",
  "embd_pdrop",
  "resid_pdrop",
  "n_ctx",
  "reorder_and_upcast_attn",
  "summary_activation",
  "summary_first_dropout",
  "summary_proj_to_labels",
  "summary_type",
  "summary_use_proj",
  "task_specific_params",
];

/** Reads the configuration of a `GPT2LMHeadModel`. @throws DisbackError naming file and field */
export function describeGpt2(component: GivenConfig): LanguageOptions {
  const given = parseStrictFields(fields, harmless, component, ({ n_embd, n_head }, fail) => {
    if (n_embd % n_head !== 0) fail("n_head", `${n_head} cannot share ${n_embd} channels`);
  });
  const { n_embd: channels, n_head: heads } = given;
  const end = first(given.eos_token_id) ?? -1;
  return {
    layout: "gpt2",
    tokens: given.vocab_size,
    begin: first(given.bos_token_id) ?? Math.max(end, 0),
    end,
    places: given.n_positions,
    channels,
    layers: given.n_layer,
    heads,
    keyValueHeads: heads,
    headChannels: channels / heads,
    feedForwardChannels: given.n_inner ?? 4 * channels,
    normalizationEps: given.layer_norm_epsilon,
    rotaryBase: 10000,
    activation: given.activation_function === "gelu" ? "gelu" : "gelu-tanh",
    tied: true,
  };
}

/** The same as transformers writes it. */
export function gpt2Config(options: LanguageOptions): Record<string, unknown> {
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    vocab_size: options.tokens,
    n_positions: options.places,
    n_embd: options.channels,
    n_layer: options.layers,
    n_head: options.heads,
    n_inner: options.feedForwardChannels,
    activation_function: options.activation === "gelu" ? "gelu" : "gelu_new",
    layer_norm_epsilon: options.normalizationEps,
    bos_token_id: options.begin,
    eos_token_id: options.end < 0 ? null : options.end,
    torch_dtype: "float32",
  };
}
