import { DisbackError } from "../../errors.js";
import type { DenoiserConfig } from "../../models/config.js";

/**
 * The configuration of a network as `UNet2DModel` of diffusers takes it.
 * @throws DisbackError naming what has no field there
 */
export function unet2DConfig(
  config: Extract<DenoiserConfig, { network: "unet-2d" }>,
): Readonly<Record<string, unknown>> {
  const { heads, stepChannels, blockChannels } = config;
  if (heads !== undefined && heads > 1) {
    throw new DisbackError(
      `--format diffusers: UNet2DModel sets the channels per head, so it cannot have ${heads} heads at every level`,
    );
  }
  if (stepChannels !== undefined && stepChannels !== blockChannels[0]) {
    throw new DisbackError(
      `--format diffusers: UNet2DModel has ${blockChannels[0]} sines and cosines of a step here, not ${stepChannels}`,
    );
  }
  const isNumber = config.classEmbedding === "number" && config.labelDim > 0;
  return {
    _class_name: "UNet2DModel",
    _diffusers_version: "0.42.0",
    sample_size: config.imageResolution,
    in_channels: config.imageChannels,
    out_channels: config.learnedVariance ? 2 * config.imageChannels : config.imageChannels,
    center_input_sample: config.centerInput,
    time_embedding_type: config.stepEmbedding,
    time_embedding_dim: config.embeddingChannels ?? null,
    freq_shift: config.frequencyShift,
    flip_sin_to_cos: config.cosineFirst,
    down_block_types: config.downBlocks,
    mid_block_type: config.middleBlock ? "UNetMidBlock2D" : null,
    up_block_types: config.upBlocks,
    block_out_channels: config.blockChannels,
    layers_per_block: config.layersPerBlock,
    mid_block_scale_factor: config.middleScale,
    downsample_padding: config.downsamplePadding,
    downsample_type: config.downsampling,
    upsample_type: config.upsampling,
    dropout: config.dropout,
    act_fn: config.activation,
    attention_head_dim: heads === 1 ? null : config.headChannels,
    norm_num_groups: config.normalizationGroups,
    attn_norm_num_groups: config.middleAttentionGroups ?? null,
    norm_eps: config.normalizationEps,
    resnet_time_scale_shift: config.scaleShift ? "scale_shift" : "default",
    add_attention: config.middleAttention,
    class_embed_type: isNumber ? "timestep" : null,
    num_class_embeds: config.labelDim > 0 && !isNumber ? config.labelDim : null,
  };
}
