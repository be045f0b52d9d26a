import { z } from "zod";
import type { AutoencoderConfigInput } from "../../models/autoencoder/autoencoder-config.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();

/** Of Wan2.1's latents, as in the original's defaults. */
const usualMean = [
  ...[-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508],
  ...[0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921],
];
const usualDeviation = [
  ...[2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743],
  ...[3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.916],
];

/** `AutoencoderKLWan`'s arguments, with its defaults. */
const fields = {
  base_dim: count.default(96),
  decoder_base_dim: count.nullish(),
  z_dim: count.default(16),
  dim_mult: z.array(count).min(1).max(16).default([1, 2, 4, 4]),
  num_res_blocks: count.max(64).default(2),
  attn_scales: z.array(z.number()).max(0, "attention in the levels is not supported").default([]),
  temperal_downsample: z.array(z.boolean()).default([false, true, true]),
  latents_mean: z.array(z.number()).default(usualMean),
  latents_std: z.array(z.number().positive()).default(usualDeviation),
  is_residual: only(false),
  in_channels: count.default(3),
  out_channels: count.default(3),
  patch_size: only(1, null),
};

/** `dropout`: of training. The factors follow from `dim_mult` and `temperal_downsample`. */
const harmless = ["dropout", "scale_factor_temporal", "scale_factor_spatial"];

/** Reads the configuration of an `AutoencoderKLWan`. @throws DisbackError naming file and field */
export function describeWanAutoencoder(component: GivenConfig): AutoencoderConfigInput {
  const given = parseStrictFields(fields, harmless, component, (read, fail) => {
    if (read.out_channels !== read.in_channels)
      fail("out_channels", `${read.out_channels} channels out of ${read.in_channels} are not supported`);
    for (const field of ["latents_mean", "latents_std"] as const)
      if (read[field].length !== read.z_dim) fail(field, `must be ${read.z_dim} numbers (z_dim)`);
    if (read.temperal_downsample.length !== read.dim_mult.length - 1)
      fail(
        "temperal_downsample",
        `must be ${read.dim_mult.length - 1}, one between two levels of "dim_mult" each`,
      );
  });
  return {
    autoencoder: "wan",
    imageChannels: given.in_channels,
    latentChannels: given.z_dim,
    encoderChannels: given.base_dim,
    decoderChannels: given.decoder_base_dim ?? given.base_dim,
    channelMultipliers: given.dim_mult,
    blocksPerLevel: given.num_res_blocks,
    halvedFrames: given.temperal_downsample,
    scalingFactor: given.latents_std.map((deviation) => 1 / deviation),
    shiftFactor: given.latents_mean,
  };
}
