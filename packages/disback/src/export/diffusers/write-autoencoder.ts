import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noGrad, scope, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Autoencoder } from "../../models/autoencoder/autoencoder.js";
import type { AutoencoderConfig, KlConfig, TinyConfig } from "../../models/autoencoder/autoencoder-config.js";
import { halved } from "../../models/model-folder.js";
import { fileSize } from "../file-size.js";
import { type ExportReport, requirePrecision } from "../format.js";
import type { Precision } from "../onnx/export-onnx.js";

/**
 * Writes an autoencoder as diffusers' `save_pretrained` does, for `AutoencoderTiny` and `AutoencoderKL`.
 * @param folder is made @throws DisbackError if diffusers' class cannot be told its sizes
 */
export function writeDiffusersAutoencoder(
  folder: string,
  autoencoder: Autoencoder,
  precision: Precision,
): ExportReport {
  requirePrecision(precision, ["f32", "f16"], "a folder for diffusers is");
  const config = configOf(autoencoder.config);
  mkdirSync(folder, { recursive: true });
  const weights = join(folder, "diffusion_pytorch_model.safetensors");
  scope(() => {
    const state = autoencoder.stateDict();
    writeSafetensors(weights, precision === "f16" ? noGrad(() => halved(state)) : state, { format: "pt" });
  });
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  const bytes = statSync(weights).size;
  const opened = `diffusers.${config["_class_name"]}.from_pretrained`;
  return {
    facts: [
      ["opened by", opened],
      ["weights", fileSize(bytes)],
    ],
    figures: { bytes },
  };
}

function configOf(config: AutoencoderConfig): Record<string, unknown> {
  if (config.autoencoder === "tiny") return tinyConfig(config);
  if (config.autoencoder === "kl") return klConfig(config);
  throw new DisbackError(
    `--format diffusers: autoencoders of the kind "${config.autoencoder}" are not written`,
  );
}

function tinyConfig(config: TinyConfig): Record<string, unknown> {
  const { imageChannels, encoderBlocks, decoderBlocks } = config;
  return {
    ...{ _class_name: "AutoencoderTiny", _diffusers_version: "0.42.0" },
    ...{ in_channels: imageChannels, out_channels: imageChannels, latent_channels: config.latentChannels },
    encoder_block_out_channels: encoderBlocks.map(() => config.encoderChannels),
    decoder_block_out_channels: decoderBlocks.map(() => config.decoderChannels),
    ...{ num_encoder_blocks: encoderBlocks, num_decoder_blocks: decoderBlocks },
    ...{ act_fn: config.activation, upsampling_scaling_factor: config.enlargement },
    ...{ scaling_factor: config.scalingFactor, shift_factor: config.shiftFactor },
  };
}

function klConfig(config: KlConfig): Record<string, unknown> {
  const { imageChannels, channels, scalingFactor, shiftFactor } = config;
  if (Array.isArray(scalingFactor) || Array.isArray(shiftFactor) || config.imageRange === "unit")
    throw new DisbackError(
      "--format diffusers: AutoencoderKL has one scaling for all channels, and pictures in [-1, 1]",
    );
  return {
    ...{ _class_name: "AutoencoderKL", _diffusers_version: "0.42.0" },
    ...{ in_channels: imageChannels, out_channels: imageChannels, latent_channels: config.latentChannels },
    down_block_types: channels.map(() => "DownEncoderBlock2D"),
    up_block_types: channels.map(() => "UpDecoderBlock2D"),
    ...{ block_out_channels: channels, layers_per_block: config.blocksPerLevel, act_fn: "silu" },
    ...{ norm_num_groups: config.normalizationGroups, mid_block_add_attention: config.attention },
    ...{ scaling_factor: scalingFactor, shift_factor: shiftFactor },
    ...{ use_quant_conv: config.quantConvolution, use_post_quant_conv: config.postQuantConvolution },
  };
}
