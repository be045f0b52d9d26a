import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { TinyConfig } from "../../models/autoencoder/autoencoder-config.js";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();
const blocks = z.array(z.int().nonnegative()).min(1).max(16);

/** `AutoencoderTiny`'s arguments, with its defaults. */
const fields = {
  in_channels: count.default(3),
  out_channels: count.default(3),
  encoder_block_out_channels: z.array(count).min(1).default([64, 64, 64, 64]),
  decoder_block_out_channels: z.array(count).min(1).default([64, 64, 64, 64]),
  act_fn: z.enum(["relu", "silu", "swish", "gelu", "mish"]).default("relu"),
  upsample_fn: only("nearest"),
  latent_channels: count.default(4),
  upsampling_scaling_factor: count.default(2),
  num_encoder_blocks: blocks.default([1, 3, 3, 3]),
  num_decoder_blocks: blocks.default([3, 3, 3, 1]),
  scaling_factor: z.number().positive().default(1),
  shift_factor: z.number().default(0),
};

/**
 * `latent_magnitude`, `latent_shift`: of latents as 8-bit pictures. `force_upcast`: its own class switches it off.
 * `block_out_channels`: the decoder's once more.
 */
const harmless = ["latent_magnitude", "latent_shift", "force_upcast", "block_out_channels"];

/** Reads the configuration of an `AutoencoderTiny`. @throws DisbackError naming file and field */
export function describeTinyAutoencoder(component: GivenConfig): TinyConfig {
  const given = parseStrictFields(fields, harmless, component);
  const fail = (field: keyof typeof fields, problem: string): never => {
    throw new DisbackError(`${component.configPath}: "${field}": ${problem}`);
  };
  const same = (field: "encoder_block_out_channels" | "decoder_block_out_channels", levels: number) => {
    const [channels, ...rest] = given[field];
    if (rest.length + 1 !== levels) fail(field, `must have ${levels} entries, one per level of blocks`);
    if (rest.some((other) => other !== channels)) fail(field, "levels of different widths do not connect");
    return channels!;
  };
  if (given.out_channels !== given.in_channels) {
    fail("out_channels", `${given.out_channels} channels out of ${given.in_channels} are not supported`);
  }
  const [encoder, decoder] = [given.num_encoder_blocks, given.num_decoder_blocks];
  const enlarged = given.upsampling_scaling_factor ** (decoder.length - 1);
  if (enlarged !== 2 ** (encoder.length - 1)) {
    fail("upsampling_scaling_factor", `pictures would come back ${enlarged} times the size of their latents`);
  }
  return {
    autoencoder: "tiny",
    imageChannels: given.in_channels,
    latentChannels: given.latent_channels,
    encoderChannels: same("encoder_block_out_channels", encoder.length),
    decoderChannels: same("decoder_block_out_channels", decoder.length),
    encoderBlocks: encoder,
    decoderBlocks: decoder,
    enlargement: given.upsampling_scaling_factor,
    activation: given.act_fn === "swish" ? "silu" : given.act_fn,
    scalingFactor: given.scaling_factor,
    shiftFactor: given.shift_factor,
  };
}
