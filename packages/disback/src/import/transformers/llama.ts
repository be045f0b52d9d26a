import { z } from "zod";
import type { LanguageOptions } from "../../models/language/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping } from "./bookkeeping.js";
import { count } from "./encoder.js";

const token = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).min(1)]).nullish();

/** `LlamaConfig`'s fields, with its defaults. */
const fields = {
  vocab_size: count.default(32000),
  hidden_size: count.default(4096),
  intermediate_size: count.default(11008),
  num_hidden_layers: count.max(1000).default(32),
  num_attention_heads: count.default(32),
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: only("silu"),
  max_position_embeddings: count.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: only(null),
  /** transformers 5 */
  rope_parameters: z
    .strictObject({
      rope_theta: z.number().positive(),
      rope_type: z.literal("default", { error: 'only "default" is supported' }).optional(),
    })
    .optional(),
  attention_bias: only(false),
  mlp_bias: only(false),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: token.default(1),
  eos_token_id: token.default(2),
};

const tied = new Set(["tie_word_embeddings", "bos_token_id"]);
const harmless = [
  ...bookkeeping.filter((name) => !tied.has(name)),
  "attention_dropout",
  "pretraining_tp",
  "is_llama_config",
  "rope_interleaved",
  "transformers.js_config",
];

/** Reads the configuration of a `LlamaForCausalLM`. @throws DisbackError naming file and field */
export function describeLlama(component: GivenConfig): LanguageOptions {
  const given = parseStrictFields(fields, harmless, component, (read, fail) => {
    const { num_attention_heads: heads, num_key_value_heads: grouped, head_dim, hidden_size } = read;
    if (!head_dim && hidden_size % heads !== 0)
      fail("num_attention_heads", `${heads} cannot share ${hidden_size} channels`);
    if (grouped && heads % grouped !== 0)
      fail("num_key_value_heads", `${grouped} cannot serve ${heads} heads`);
  });
  const { num_attention_heads: heads, hidden_size: channels } = given;
  const end = first(given.eos_token_id) ?? -1;
  return {
    layout: "llama",
    tokens: given.vocab_size,
    begin: first(given.bos_token_id) ?? Math.max(end, 0),
    end,
    places: given.max_position_embeddings,
    channels,
    layers: given.num_hidden_layers,
    heads,
    keyValueHeads: given.num_key_value_heads ?? heads,
    headChannels: given.head_dim ?? channels / heads,
    feedForwardChannels: given.intermediate_size,
    normalizationEps: given.rms_norm_eps,
    rotaryBase: given.rope_parameters?.rope_theta ?? given.rope_theta ?? 10000,
    activation: "gelu",
    tied: given.tie_word_embeddings,
  };
}

/** The first of several. */
export function first(value: number | number[] | null | undefined): number | undefined {
  return (Array.isArray(value) ? value[0] : value) ?? undefined;
}

/** The same as transformers writes it, so that it opens a model of ours. */
export function llamaConfig(options: LanguageOptions): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: options.tokens,
    hidden_size: options.channels,
    intermediate_size: options.feedForwardChannels,
    num_hidden_layers: options.layers,
    num_attention_heads: options.heads,
    num_key_value_heads: options.keyValueHeads,
    head_dim: options.headChannels,
    hidden_act: "silu",
    max_position_embeddings: options.places,
    rms_norm_eps: options.normalizationEps,
    rope_theta: options.rotaryBase,
    tie_word_embeddings: options.tied,
    bos_token_id: options.begin,
    eos_token_id: options.end < 0 ? null : options.end,
    torch_dtype: "float32",
  };
}
