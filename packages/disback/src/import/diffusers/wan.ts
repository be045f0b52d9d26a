import { z } from "zod";
import type { WanOptions } from "../../models/transformers/wan/options.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();

/** Fields of networks that continue a picture, whose parts are not read. */
const pictures = only(null);

/** `WanTransformer3DModel`'s arguments, with its defaults. */
const fields = {
  patch_size: z.tuple([count, count, count]).default([1, 2, 2]),
  num_attention_heads: count.default(40),
  attention_head_dim: count.multipleOf(2).min(6).default(128),
  in_channels: count.default(16),
  out_channels: count.nullish().default(16),
  text_dim: count.default(4096),
  freq_dim: count.multipleOf(2).default(256),
  ffn_dim: count.default(13824),
  num_layers: count.max(1000).default(40),
  cross_attn_norm: z.boolean().default(true),
  qk_norm: only("rms_norm_across_heads"),
  eps: z.number().positive().default(1e-6),
  image_dim: pictures,
  added_kv_proj_dim: pictures,
  pos_embed_seq_len: pictures,
};

/** The largest place for which the original keeps angles; here they are computed for any. */
const harmless = ["rope_max_seq_len"];

/** Reads the configuration of a `WanTransformer3DModel`. @throws DisbackError naming file and field */
export function describeWan(component: GivenConfig): WanOptions {
  const given = parseStrictFields(fields, harmless, component, ({ in_channels, out_channels }, fail) => {
    const out = out_channels ?? in_channels;
    if (out !== in_channels)
      fail(
        "in_channels",
        `${in_channels} channels in and ${out} out: networks that continue a picture are not supported`,
      );
  });
  return {
    inChannels: given.in_channels,
    outChannels: given.out_channels ?? given.in_channels,
    patch: given.patch_size,
    layers: given.num_layers,
    heads: given.num_attention_heads,
    channelsPerHead: given.attention_head_dim,
    textChannels: given.text_dim,
    timeChannels: given.freq_dim,
    feedForwardChannels: given.ffn_dim,
    normalizedText: given.cross_attn_norm,
    normalizationEps: given.eps,
  };
}
