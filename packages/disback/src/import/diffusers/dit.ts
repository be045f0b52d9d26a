import { z } from "zod";
import { type DenoiserConfig, parseDenoiserConfig } from "../../models/denoiser-config.js";
import type { DiffusersComponent } from "./folder.js";
import { describeSchedule } from "./noise-schedule.js";
import { only, parseStrictFields } from "./strict-fields.js";

/** The label dropout of diffusers' DiT in training; no field states it. */
const labelDropout = 0.1;

const count = z.int().positive();
const fields = {
  num_attention_heads: count.default(16),
  attention_head_dim: count.default(72),
  in_channels: count.default(4),
  out_channels: count.nullish(),
  num_layers: count.max(1000).default(28),
  dropout: z.number().min(0).lt(1).default(0),
  attention_bias: z.boolean().default(true),
  sample_size: count.default(32),
  patch_size: count.default(2),
  activation_fn: only("gelu-approximate"),
  num_embeds_ada_norm: z.int().nonnegative().default(1000),
  norm_type: only("ada_norm_zero"),
  norm_elementwise_affine: only(false),
  norm_eps: z.number().positive().default(1e-5),
  // Fields of Transformer2DModel, which was used for other networks too.
  cross_attention_dim: only(null),
  num_vector_embeds: only(null),
  use_linear_projection: only(false),
  only_cross_attention: only(false),
  double_self_attention: only(false),
  attention_type: only("default"),
  caption_channels: only(null),
  interpolation_scale: only(null),
  use_additional_conditions: only(null, false),
};

/** `norm_num_groups`: for images without patches. `upcast_attention`: ignored by the fused attention. */
const harmless = ["norm_num_groups", "upcast_attention"];

type Fields = z.output<z.ZodObject<typeof fields>>;

function checkSizes(given: Fields, fail: (field: string, message: string) => void): void {
  const { in_channels: inChannels, out_channels: outChannels } = given;
  if (given.sample_size % given.patch_size !== 0) {
    fail("sample_size", `must be a multiple of patch_size (${given.patch_size})`);
  }
  if (outChannels && outChannels !== inChannels && outChannels !== 2 * inChannels) {
    fail("out_channels", `must be in_channels (${inChannels}), or twice that with a variance`);
  }
}

/** The configurations of a DiT and of its scheduler as one denoiser. @throws DisbackError naming file and field */
export function describeDit(component: DiffusersComponent, scheduler: DiffusersComponent): DenoiserConfig {
  const given = parseStrictFields(fields, harmless, component, checkSizes);
  const config = {
    network: "dit",
    ...describeSchedule(scheduler),
    learnedVariance: given.out_channels === 2 * given.in_channels,
    imageResolution: given.sample_size,
    imageChannels: given.in_channels,
    patchSize: given.patch_size,
    layers: given.num_layers,
    heads: given.num_attention_heads,
    channelsPerHead: given.attention_head_dim,
    attentionBias: given.attention_bias,
    normalizationEps: given.norm_eps,
    dropout: given.dropout,
    labelDim: given.num_embeds_ada_norm,
    labelDropout,
  };
  return parseDenoiserConfig(config, component.configPath);
}
