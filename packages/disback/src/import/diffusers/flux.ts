import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { FluxOptions } from "../../models/transformers/flux/options.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();

/** `FluxTransformer2DModel`'s arguments, with its defaults. */
const fields = {
  patch_size: only(1),
  in_channels: count.multipleOf(4).default(64),
  out_channels: count.multipleOf(4).nullish(),
  num_layers: count.max(1000).default(19),
  num_single_layers: z.int().nonnegative().max(1000).default(38),
  attention_head_dim: count.default(128),
  num_attention_heads: count.default(24),
  joint_attention_dim: count.default(4096),
  pooled_projection_dim: count.default(768),
  guidance_embeds: z.boolean().default(false),
  axes_dims_rope: z.array(count.multipleOf(2)).length(3).default([16, 56, 56]),
};

/** Reads the configuration of a `FluxTransformer2DModel`. @throws DisbackError naming file and field */
export function describeFlux(component: GivenConfig): FluxOptions {
  const given = parseStrictFields(fields, [], component);
  const turned = given.axes_dims_rope.reduce((sum, channels) => sum + channels, 0);
  if (turned !== given.attention_head_dim) {
    throw new DisbackError(
      `${component.configPath}: "axes_dims_rope": ${turned} channels in all must be attention_head_dim (${given.attention_head_dim})`,
    );
  }
  return {
    imageChannels: given.in_channels / 4,
    outChannels: (given.out_channels ?? given.in_channels) / 4,
    jointLayers: given.num_layers,
    singleLayers: given.num_single_layers,
    heads: given.num_attention_heads,
    channelsPerHead: given.attention_head_dim,
    textChannels: given.joint_attention_dim,
    pooledChannels: given.pooled_projection_dim,
    guidance: given.guidance_embeds,
    axisChannels: given.axes_dims_rope,
  };
}
