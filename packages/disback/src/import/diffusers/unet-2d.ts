import { z } from "zod";
import { DisbackError } from "../../errors.js";
import {
  type DenoiserConfig,
  type DenoiserConfigInput,
  denoiserConfig,
} from "../../models/denoiser-config.js";
import { downBlockTypes, upBlockTypes } from "../../models/unet-2d/options.js";
import { shown } from "../pickle/text-values.js";
import type { DiffusersComponent } from "./folder.js";
import { type DiscreteSchedule, describeSchedule } from "./noise-schedule.js";
import { parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();
const way = z.enum(["conv", "resnet"]);
/** Old files have a prefix before the names of levels. */
const levels = <Name extends string>(names: readonly Name[]) =>
  z.array(
    z.preprocess((name) => (typeof name === "string" ? name.replace(/^UNetRes/, "") : name), z.enum(names)),
  );

/** `UNet2DModel`'s arguments, with its defaults. */
const fields = {
  sample_size: z.union([count, z.tuple([count, count]).refine(([height, width]) => height === width)], {
    error: "must be the images' height and width, which have to be equal",
  }),
  in_channels: count.default(3),
  out_channels: count.default(3),
  center_input_sample: z.boolean().default(false),
  time_embedding_type: z.enum(["positional", "fourier"]).default("positional"),
  time_embedding_dim: count.nullish(),
  freq_shift: z.literal([0, 1]).default(0),
  flip_sin_to_cos: z.boolean().default(true),
  down_block_types: levels(downBlockTypes).default([
    "DownBlock2D",
    "AttnDownBlock2D",
    "AttnDownBlock2D",
    "AttnDownBlock2D",
  ]),
  mid_block_type: z.literal("UNetMidBlock2D").nullable().default("UNetMidBlock2D"),
  up_block_types: levels(upBlockTypes).default([
    "AttnUpBlock2D",
    "AttnUpBlock2D",
    "AttnUpBlock2D",
    "UpBlock2D",
  ]),
  block_out_channels: z.array(count).default([224, 448, 672, 896]),
  layers_per_block: count.default(2),
  mid_block_scale_factor: z.number().positive().default(1),
  downsample_padding: z.literal([0, 1]).default(1),
  downsample_type: way.nullish(),
  upsample_type: way.nullish(),
  dropout: z.number().min(0).lt(1).default(0),
  act_fn: z.enum(["silu", "swish", "relu", "gelu", "mish"]).default("silu"),
  attention_head_dim: count.nullable().default(8),
  norm_num_groups: count.default(32),
  attn_norm_num_groups: count.nullish(),
  norm_eps: z.number().positive().default(1e-5),
  resnet_time_scale_shift: z.enum(["default", "scale_shift"]).default("default"),
  add_attention: z.boolean().default(true),
  class_embed_type: z.literal("timestep").nullish(),
  num_class_embeds: count.nullish(),
};

/** Only for learned step embeddings, which are refused. */
const harmless = ["num_train_timesteps"];

/** Diffusers' names of our fields that are checked against each other. */
const names: Readonly<Record<string, string>> = {
  imageResolution: "sample_size",
  stepEmbedding: "time_embedding_type",
  downBlocks: "down_block_types",
  upBlocks: "up_block_types",
  blockChannels: "block_out_channels",
  headChannels: "attention_head_dim",
  normalizationGroups: "norm_num_groups",
  middleAttentionGroups: "attn_norm_num_groups",
};

/**
 * The configuration of a `UNet2DModel` and of its scheduler as one denoiser of ours.
 * @throws DisbackError naming file and field: what is unsupported, or does not fit
 */
export function describeUNet2D(component: DiffusersComponent, scheduler: DiffusersComponent): DenoiserConfig {
  const given = parseStrictFields(fields, harmless, component);
  const schedule = describeSchedule(scheduler);
  const labelDim = given.class_embed_type === "timestep" ? 1 : (given.num_class_embeds ?? 0);
  checkOutput(given, schedule, component, scheduler);
  return fitting(component, {
    network: "unet-2d",
    ...schedule,
    labelDim,
    imageResolution: typeof given.sample_size === "number" ? given.sample_size : given.sample_size[0],
    imageChannels: given.in_channels,
    centerInput: given.center_input_sample,
    classEmbedding: given.class_embed_type === "timestep" ? "number" : "table",
    stepEmbedding: given.time_embedding_type,
    ...(given.time_embedding_dim ? { embeddingChannels: given.time_embedding_dim } : {}),
    frequencyShift: given.freq_shift,
    cosineFirst: given.flip_sin_to_cos,
    downBlocks: given.down_block_types,
    upBlocks: given.up_block_types,
    middleBlock: given.mid_block_type !== null,
    middleAttention: given.add_attention,
    middleScale: given.mid_block_scale_factor,
    blockChannels: given.block_out_channels,
    layersPerBlock: given.layers_per_block,
    downsamplePadding: given.downsample_padding,
    downsampling: given.downsample_type ?? "conv",
    upsampling: given.upsample_type ?? "conv",
    dropout: given.dropout,
    activation: given.act_fn === "swish" ? "silu" : given.act_fn,
    headChannels: given.attention_head_dim,
    normalizationGroups: given.norm_num_groups,
    ...(given.attn_norm_num_groups ? { middleAttentionGroups: given.attn_norm_num_groups } : {}),
    normalizationEps: given.norm_eps,
    scaleShift: given.resnet_time_scale_shift === "scale_shift",
  });
}

/** Checks what has to fit together, under the names in the file. */
function fitting({ configPath }: DiffusersComponent, config: DenoiserConfigInput): DenoiserConfig {
  const result = denoiserConfig.safeParse(config);
  if (result.success) return result.data;
  const theirs = (text: string) => text.replace(/\w+/g, (word) => names[word] ?? word);
  const problems = result.error.issues.map(
    ({ path, message }) => `"${theirs(path.map(String).join("."))}": ${theirs(message)}`,
  );
  throw new DisbackError(`${configPath}: ${problems.join("; ")}`);
}

/** The output has the input's channels, and twice as many if a variance is learned. */
function checkOutput(
  { in_channels, out_channels }: z.output<z.ZodObject<typeof fields>>,
  { learnedVariance }: DiscreteSchedule,
  component: DiffusersComponent,
  scheduler: DiffusersComponent,
): void {
  const expected = learnedVariance ? 2 * in_channels : in_channels;
  if (out_channels === expected) return;
  const why = learnedVariance ? ` (${shown(scheduler.configPath)} has a learned variance)` : "";
  throw new DisbackError(
    `${component.configPath}: "out_channels" is ${out_channels}, but ${expected} are expected for ${in_channels} in_channels${why}`,
  );
}
