import type { JsonObject } from "../diffusers/json-file.js";
import type { TensorTable } from "../tensors/tensor-file.js";

/** Channels of an attention head in Stable Diffusion 2 and XL; in 1 there are 8 heads everywhere. */
const headChannels = 64;
const headsOfVersion1 = 8;

/**
 * A U-Net's configuration as in diffusers, read off its weights. They do not tell the heads: networks
 * with linear projections have heads of 64 channels, others 8 heads.
 * @param tensors under diffusers' keys
 * @param sampleSize height and width of the latents; the weights do not tell them
 */
export function unetStructure(tensors: TensorTable, sampleSize: number): JsonObject {
  const shape = (key: string) => tensors.get(key)?.shape;
  const count = (prefix: string) => {
    let found = 0;
    while ([...tensors.keys()].some((key) => key.startsWith(`${prefix}.${found}.`))) found++;
    return found;
  };
  const levels = Array.from({ length: count("down_blocks") }, (_, level) => level);
  const channels = levels.map((level) => shape(`down_blocks.${level}.resnets.0.conv1.weight`)?.[0] ?? 0);
  const depths = (level: string) =>
    Array.from({ length: count(`${level}.attentions`) }, (_, layer) =>
      count(`${level}.attentions.${layer}.transformer_blocks`),
    );
  const down = levels.map((level) => depths(`down_blocks.${level}`));
  const up = levels.map((level) => depths(`up_blocks.${level}`));
  const middle = depths("mid_block")[0];
  const linear = [...tensors].some(([key, { ndim }]) => key.endsWith("proj_in.weight") && ndim === 2);
  const text = [...tensors].find(([key]) => key.endsWith("attn2.to_k.weight"))?.[1].shape[1];
  const added = shape("add_embedding.linear_1.weight")?.[1];
  return {
    sample_size: sampleSize,
    in_channels: shape("conv_in.weight")?.[1],
    out_channels: shape("conv_out.weight")?.[0],
    block_out_channels: channels,
    layers_per_block: levels.map((level) => count(`down_blocks.${level}.resnets`)),
    down_block_types: down.map((depth) => (depth.length > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    up_block_types: up.map((depth) => (depth.length > 0 ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    mid_block_type:
      count("mid_block.resnets") === 0 ? null : middle ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D",
    // In diffusers the middle has the last level's depth, whether that has attention or not.
    transformer_layers_per_block: down.map((depth) => (depth.length > 0 ? depth : (middle ?? 1))),
    reverse_transformer_layers_per_block: up.map((depth) => (depth.length > 0 ? depth : 1)),
    attention_head_dim: linear ? channels.map((all) => all / headChannels) : headsOfVersion1,
    use_linear_projection: linear,
    cross_attention_dim: text,
    ...(added === undefined
      ? {}
      : {
          addition_embed_type: "text_time",
          addition_time_embed_dim: 256,
          projection_class_embeddings_input_dim: added,
        }),
  };
}
