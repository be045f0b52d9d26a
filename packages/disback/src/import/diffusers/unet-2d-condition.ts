import { z } from "zod";
import { DisbackError } from "../../errors.js";
import {
  type ConditionLevel,
  conditionDownBlocks,
  conditionMiddleBlocks,
  conditionUpBlocks,
  type UNet2DConditionOptions,
} from "../../models/unet-2d-condition/options.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();
const perLevel = z.union([count, z.array(count).min(1)]);
const layers = z.union([count, z.array(count).min(1)]);

/** `UNet2DConditionModel`'s arguments, with its defaults. */
const fields = {
  sample_size: z.union([count, z.tuple([count, count])]).nullish(),
  in_channels: count.default(4),
  out_channels: count.default(4),
  center_input_sample: z.boolean().default(false),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.literal([0, 1]).default(0),
  down_block_types: z
    .array(z.enum(conditionDownBlocks))
    .min(1)
    .default(["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]),
  mid_block_type: z.enum(conditionMiddleBlocks).nullable().default("UNetMidBlock2DCrossAttn"),
  up_block_types: z
    .array(z.enum(conditionUpBlocks))
    .min(1)
    .default(["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
  block_out_channels: z.array(count).min(1).default([320, 640, 1280, 1280]),
  layers_per_block: perLevel.default(2),
  downsample_padding: z.literal([0, 1]).default(1),
  mid_block_scale_factor: z.number().positive().default(1),
  dropout: z.number().min(0).lt(1).default(0),
  act_fn: only("silu", "swish"),
  norm_num_groups: count.default(32),
  norm_eps: z.number().positive().default(1e-5),
  cross_attention_dim: perLevel.default(1280),
  transformer_layers_per_block: z.union([count, z.array(layers).min(1)]).default(1),
  reverse_transformer_layers_per_block: z.array(layers).min(1).nullish(),
  attention_head_dim: perLevel.default(8),
  use_linear_projection: z.boolean().default(false),
  addition_embed_type: only("text_time", null),
  addition_time_embed_dim: count.nullish(),
  projection_class_embeddings_input_dim: count.nullish(),
  resnet_time_scale_shift: z.enum(["default", "scale_shift"]).default("default"),
  time_embedding_dim: count.nullish(),
  only_cross_attention: only(false),
  encoder_hid_dim: only(null),
  encoder_hid_dim_type: only(null),
  num_attention_heads: only(null),
  dual_cross_attention: only(false),
  class_embed_type: only(null),
  num_class_embeds: only(null),
  resnet_skip_time_act: only(false),
  resnet_out_scale_factor: only(1),
  time_embedding_type: only("positional"),
  time_embedding_act_fn: only(null),
  timestep_post_act: only(null),
  time_cond_proj_dim: only(null),
  conv_in_kernel: only(3),
  conv_out_kernel: only(3),
  attention_type: only("default"),
  class_embeddings_concat: only(false),
  mid_block_only_cross_attention: only(null, false),
  cross_attention_norm: only(null),
};

/**
 * `upcast_attention`: PyTorch's fused attention, which diffusers calls too, does not look at it.
 * `addition_embed_type_num_heads`: of the addition "text", which is refused.
 */
const harmless = ["upcast_attention", "addition_embed_type_num_heads"];

type Fields = z.output<z.ZodObject<typeof fields>>;

/** A `UNet2DConditionModel` in our words, and the height and width of its samples, if the file says them. */
export interface DescribedUNet2DCondition {
  options: UNet2DConditionOptions;
  sampleSize: readonly [height: number, width: number] | null;
}

/** Reads the configuration of a `UNet2DConditionModel`. @throws DisbackError naming file and field */
export function describeUNet2DCondition(component: GivenConfig): DescribedUNet2DCondition {
  const given = parseStrictFields(fields, harmless, component);
  const fail = (field: keyof Fields, problem: string): never => {
    throw new DisbackError(`${component.configPath}: "${field}": ${problem}`);
  };
  const down = downLevels(given, fail);
  const up = upLevels(given, down, fail);
  checkSharing(given, [...down, ...up], fail);
  const size = given.sample_size ?? null;
  return {
    sampleSize: typeof size === "number" ? [size, size] : size,
    options: {
      inChannels: given.in_channels,
      outChannels: given.out_channels,
      centerInput: given.center_input_sample,
      cosineFirst: given.flip_sin_to_cos,
      frequencyShift: given.freq_shift,
      embeddingChannels: given.time_embedding_dim ?? 4 * given.block_out_channels[0]!,
      down,
      middle: middleOf(given, down),
      up,
      downsamplePadding: given.downsample_padding,
      dropout: given.dropout,
      normalizationGroups: given.norm_num_groups,
      normalizationEps: given.norm_eps,
      scaleShift: given.resnet_time_scale_shift === "scale_shift",
      linearProjection: given.use_linear_projection,
      added: addedOf(given, fail),
    },
  };
}

type Fail = (field: keyof Fields, problem: string) => never;

function downLevels(given: Fields, fail: Fail): ConditionLevel[] {
  const levels = given.block_out_channels.length;
  const spread = <Value>(field: keyof Fields, value: Value | readonly Value[]): Value[] => {
    const list = Array.isArray(value) ? (value as Value[]) : Array<Value>(levels).fill(value as Value);
    return list.length === levels
      ? list
      : fail(field, `must have ${levels} entries, as block_out_channels has`);
  };
  const types = spread("down_block_types", given.down_block_types);
  const blocks = spread("layers_per_block", given.layers_per_block);
  const heads = spread("attention_head_dim", given.attention_head_dim);
  const textChannels = spread("cross_attention_dim", given.cross_attention_dim);
  const transformers = spread<number | number[]>(
    "transformer_layers_per_block",
    given.transformer_layers_per_block,
  );
  return given.block_out_channels.map((channels, level) => ({
    channels,
    attention: types[level] === "CrossAttnDownBlock2D",
    // `attention_head_dim` is the number of heads, whatever its name says.
    heads: heads[level]!,
    textChannels: textChannels[level]!,
    transformerLayers: perBlock(transformers[level]!, blocks[level]!, () =>
      fail("transformer_layers_per_block", `level ${level} needs ${blocks[level]} entries, one per block`),
    ),
  }));
}

/** The contracting half's levels in reverse, with a residual block more each. */
function upLevels(given: Fields, down: readonly ConditionLevel[], fail: Fail): ConditionLevel[] {
  const { up_block_types: types, reverse_transformer_layers_per_block: reversed } = given;
  for (const [field, list] of [
    ["up_block_types", types] as const,
    ["reverse_transformer_layers_per_block", reversed] as const,
  ]) {
    if (list && list.length !== down.length) {
      fail(field, `must have ${down.length} entries, as block_out_channels has`);
    }
  }
  const transformers = given.transformer_layers_per_block;
  if (!reversed && Array.isArray(transformers) && transformers.some(Array.isArray)) {
    fail(
      "reverse_transformer_layers_per_block",
      "is needed where transformer_layers_per_block has lists inside",
    );
  }
  return [...down].reverse().map((level, index) => {
    const blocks = level.transformerLayers.length + 1;
    const layers = reversed?.[index] ?? level.transformerLayers[0]!;
    return {
      ...level,
      attention: types[index] === "CrossAttnUpBlock2D",
      transformerLayers: perBlock(layers, blocks, () =>
        fail("reverse_transformer_layers_per_block", `level ${index} needs ${blocks} entries, one per block`),
      ),
    };
  });
}

function middleOf(given: Fields, down: readonly ConditionLevel[]): UNet2DConditionOptions["middle"] {
  if (given.mid_block_type === null) return null;
  const last = down.at(-1)!;
  return {
    ...last,
    attention: given.mid_block_type === "UNetMidBlock2DCrossAttn",
    transformerLayers: last.transformerLayers.slice(0, 1),
    scale: given.mid_block_scale_factor,
  };
}

function addedOf(given: Fields, fail: Fail): UNet2DConditionOptions["added"] {
  const { addition_time_embed_dim: sizeChannels, projection_class_embeddings_input_dim: inChannels } = given;
  if (given.addition_embed_type !== "text_time") {
    if (inChannels) fail("projection_class_embeddings_input_dim", `${inChannels} is for no embedding here`);
    return null;
  }
  if (!sizeChannels)
    return fail("addition_time_embed_dim", 'is needed for the addition_embed_type "text_time"');
  if (!inChannels) {
    return fail("projection_class_embeddings_input_dim", 'is needed for the addition_embed_type "text_time"');
  }
  return { sizeChannels, inChannels };
}

function checkSharing(given: Fields, levels: readonly ConditionLevel[], fail: Fail): void {
  const groups = given.norm_num_groups;
  for (const { channels, heads, attention } of levels) {
    if (channels % groups !== 0) {
      fail("block_out_channels", `${channels} channels cannot be shared by ${groups} norm_num_groups`);
    }
    if (attention && channels % heads !== 0) {
      fail("attention_head_dim", `${channels} channels cannot be shared by ${heads} heads`);
    }
  }
}

/** One number for each residual block. */
function perBlock(layers: number | readonly number[], blocks: number, fail: () => never): readonly number[] {
  if (typeof layers === "number") return Array<number>(blocks).fill(layers);
  return layers.length === blocks ? layers : fail();
}
