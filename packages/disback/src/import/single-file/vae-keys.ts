import type { Tensor } from "@disback/torch";
import type { JsonObject } from "../diffusers/json-file.js";
import type { TensorTable } from "../tensors/tensor-file.js";

const attentionNames: Readonly<Record<string, string>> = {
  norm: "group_norm",
  q: "to_q",
  k: "to_k",
  v: "to_v",
  proj_out: "to_out.0",
};

/**
 * Renames the keys of an autoencoder of CompVis' latent-diffusion to diffusers'. The pointwise convolutions of its
 * attention become linear layers: the same numbers in another shape.
 * @param tensors without "first_stage_model."; unknown keys stay as they are
 */
export function vaeTensors(tensors: TensorTable): TensorTable {
  const levels =
    1 +
    Math.max(-1, ...[...tensors.keys()].map((key) => Number(/^decoder\.up\.(\d+)\./.exec(key)?.[1] ?? -1)));
  const renamed: TensorTable = new Map();
  for (const [key, tensor] of tensors) {
    const attention = /^((?:en|de)coder)\.mid\.attn_1\.(norm|q|k|v|proj_out)\.(weight|bias)$/.exec(key);
    if (attention) {
      const [, half, part, kind] = attention as unknown as [string, string, string, string];
      renamed.set(
        `${half}.mid_block.attentions.0.${attentionNames[part]}.${kind}`,
        flattened(tensor, part, kind),
      );
      continue;
    }
    const place = key
      .replace(/^encoder\.down\.(\d+)\.block\./, "encoder.down_blocks.$1.resnets.")
      .replace(/^encoder\.down\.(\d+)\.downsample\./, "encoder.down_blocks.$1.downsamplers.0.")
      .replace(
        /^decoder\.up\.(\d+)\.block\./,
        (_, level) => `decoder.up_blocks.${levels - 1 - Number(level)}.resnets.`,
      )
      .replace(
        /^decoder\.up\.(\d+)\.upsample\./,
        (_, level) => `decoder.up_blocks.${levels - 1 - Number(level)}.upsamplers.0.`,
      )
      .replace(
        /^((?:en|de)coder)\.mid\.block_([12])\./,
        (_, half, block) => `${half}.mid_block.resnets.${Number(block) - 1}.`,
      )
      .replace(/^((?:en|de)coder)\.norm_out\./, "$1.conv_norm_out.")
      .replace(/\.nin_shortcut\./, ".conv_shortcut.");
    renamed.set(place, tensor);
  }
  return renamed;
}

function flattened(tensor: Tensor, part: string, kind: string): Tensor {
  if (part === "norm" || kind === "bias" || tensor.ndim === 2) return tensor;
  return tensor.reshape(tensor.shape.slice(0, 2));
}

/**
 * An autoencoder's configuration as in diffusers, read off its weights.
 * @param tensors under diffusers' keys
 * @param scalingFactor of the latents; the weights do not tell it
 */
export function vaeStructure(tensors: TensorTable, scalingFactor: number): JsonObject {
  const keys = [...tensors.keys()];
  const count = (prefix: string) => {
    let found = 0;
    while (keys.some((key) => key.startsWith(`${prefix}.${found}.`))) found++;
    return found;
  };
  const levels = count("encoder.down_blocks");
  const channels = Array.from({ length: levels }, (_, level) => {
    return tensors.get(`encoder.down_blocks.${level}.resnets.0.conv1.weight`)?.shape[0] ?? 0;
  });
  return {
    in_channels: tensors.get("encoder.conv_in.weight")?.shape[1],
    out_channels: tensors.get("decoder.conv_out.weight")?.shape[0],
    latent_channels: tensors.get("decoder.conv_in.weight")?.shape[1],
    block_out_channels: channels,
    down_block_types: channels.map(() => "DownEncoderBlock2D"),
    up_block_types: channels.map(() => "UpDecoderBlock2D"),
    layers_per_block: count("encoder.down_blocks.0.resnets"),
    use_quant_conv: tensors.has("quant_conv.weight"),
    use_post_quant_conv: tensors.has("post_quant_conv.weight"),
    mid_block_add_attention: count("encoder.mid_block.attentions") > 0,
    scaling_factor: scalingFactor,
  };
}
