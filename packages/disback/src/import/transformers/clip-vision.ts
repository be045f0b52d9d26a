import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { ClipVisionOptions } from "../../text/clip/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping, generation } from "./bookkeeping.js";
import { count } from "./encoder.js";

/** `CLIPVisionConfig`'s fields, with its defaults. */
const fields = {
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: count.max(1000).default(12),
  num_attention_heads: count.default(12),
  num_channels: only(3),
  image_size: count.default(224),
  patch_size: count.default(32),
  hidden_act: only("quick_gelu", "gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
};

/** The encoder is never trained here, and the whole model's projection counts. */
const harmless = [...bookkeeping, ...generation, "attention_dropout", "dropout", "projection_dim"];

/**
 * Reads the configuration of the picture encoder in a `CLIPModel`. @param projectionChannels of the whole model
 * @throws DisbackError naming file and field
 */
export function describeClipVision(component: GivenConfig, projectionChannels: number): ClipVisionOptions {
  const given = parseStrictFields(fields, harmless, component);
  const { hidden_size: channels, num_attention_heads: heads } = given;
  if (channels % heads !== 0)
    throw new DisbackError(
      `${component.configPath}: "num_attention_heads": ${heads} cannot share ${channels} channels`,
    );
  return {
    ...{ channels, heads, imageChannels: 3, imageResolution: given.image_size, patchSize: given.patch_size },
    ...{ layers: given.num_hidden_layers, feedForwardChannels: given.intermediate_size, projectionChannels },
    activation: given.hidden_act ?? "quick_gelu",
    normalizationEps: given.layer_norm_eps,
  };
}
