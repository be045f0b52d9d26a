import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { Sd3Options } from "../../models/transformers/sd3/options.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();

/** `SD3Transformer2DModel`'s arguments, with its defaults. */
const fields = {
  sample_size: count.default(128),
  patch_size: count.default(2),
  in_channels: count.default(16),
  num_layers: count.max(1000).default(18),
  attention_head_dim: count.default(64),
  num_attention_heads: count.default(18),
  joint_attention_dim: count.default(4096),
  caption_projection_dim: count.default(1152),
  pooled_projection_dim: count.default(2048),
  out_channels: count.nullish().default(16),
  pos_embed_max_size: count.default(96),
  dual_attention_layers: z.array(z.int().nonnegative()).default([]),
  qk_norm: only("rms_norm", null),
};

/** A `SD3Transformer2DModel` in our words, and the height and width of the latents it was made for. */
export interface DescribedSd3 {
  options: Sd3Options;
  sampleSize: readonly [height: number, width: number];
}

/** Reads the configuration of a `SD3Transformer2DModel`. @throws DisbackError naming file and field */
export function describeSd3(component: GivenConfig): DescribedSd3 {
  const given = parseStrictFields(fields, [], component);
  const fail = (field: keyof typeof fields, problem: string): never => {
    throw new DisbackError(`${component.configPath}: "${field}": ${problem}`);
  };
  const channels = given.num_attention_heads * given.attention_head_dim;
  if (given.caption_projection_dim !== channels) {
    fail(
      "caption_projection_dim",
      `${given.caption_projection_dim} must be num_attention_heads x attention_head_dim (${channels})`,
    );
  }
  if (channels % 4 !== 0) fail("attention_head_dim", `${channels} channels in all must be a multiple of 4`);
  const beyond = given.dual_attention_layers.find((layer) => layer >= given.num_layers);
  if (beyond !== undefined) fail("dual_attention_layers", `there is no layer ${beyond}`);
  const base = Math.floor(given.sample_size / given.patch_size);
  if (base === 0) fail("sample_size", `${given.sample_size} is less than patch_size (${given.patch_size})`);
  return {
    sampleSize: [given.sample_size, given.sample_size],
    options: {
      inChannels: given.in_channels,
      outChannels: given.out_channels ?? given.in_channels,
      patchSize: given.patch_size,
      layers: given.num_layers,
      heads: given.num_attention_heads,
      channelsPerHead: given.attention_head_dim,
      textChannels: given.joint_attention_dim,
      pooledChannels: given.pooled_projection_dim,
      placeSide: given.pos_embed_max_size,
      placeScale: given.pos_embed_max_size / base,
      dualLayers: given.dual_attention_layers,
      normalizedAttention: given.qk_norm === "rms_norm",
    },
  };
}
