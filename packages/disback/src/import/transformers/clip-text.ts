import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { ClipTextOptions } from "../../text/clip/options.js";
import { type GivenConfig, only, parseStrictFields } from "../diffusers/strict-fields.js";
import { bookkeeping, generation } from "./bookkeeping.js";
import { count, encoderOptions } from "./encoder.js";

/** `CLIPTextConfig`'s fields, with its defaults. */
const fields = {
  vocab_size: count.default(49408),
  hidden_size: count.default(512),
  intermediate_size: count.default(2048),
  projection_dim: count.nullish().default(512),
  num_hidden_layers: count.max(1000).default(12),
  num_attention_heads: count.default(8),
  max_position_embeddings: count.default(77),
  hidden_act: only("quick_gelu", "gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  eos_token_id: z.int().nonnegative().default(49407),
};

/** `attention_dropout`, `dropout`: the encoder is never trained here. */
const harmless = [...bookkeeping, ...generation, "attention_dropout", "dropout"];

/** In files of before transformers 4.31 the end has this id, which is that of another token. */
const formerEnd = 2;

/**
 * Reads the configuration of a `CLIPTextModel` or `CLIPTextModelWithProjection`.
 * @param projection whether it is the latter
 * @throws DisbackError naming file and field
 */
export function describeClipText(component: GivenConfig, projection: boolean): ClipTextOptions {
  const given = parseStrictFields(fields, harmless, component);
  if (projection && !given.projection_dim)
    throw new DisbackError(`${component.configPath}: "projection_dim": is needed for the projection`);
  return {
    ...encoderOptions(component, given),
    activation: given.hidden_act ?? "quick_gelu",
    endToken: given.eos_token_id === formerEnd ? null : given.eos_token_id,
    projectionChannels: projection ? given.projection_dim! : null,
  };
}
