import { TorchError } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { type Autoencoder, buildAutoencoder } from "../../models/autoencoder/autoencoder.js";
import {
  type AutoencoderConfigInput,
  parseAutoencoderConfig,
} from "../../models/autoencoder/autoencoder-config.js";
import { weightsWithin } from "../../models/sensible-sizes.js";
import { storedNumbers } from "../checkpoint/assembled-tensor.js";
import { loadStoredWeights } from "../load-weights.js";
import { describeTinyAutoencoder } from "./autoencoder-tiny.js";
import { describeWanAutoencoder } from "./autoencoder-wan.js";
import { openComponentWeights } from "./component-weights.js";
import type { DiffusersComponent } from "./folder.js";
import { presentKey } from "./present-key.js";
import { only, parseStrictFields } from "./strict-fields.js";

const count = z.int().positive();

/** Arguments of `AutoencoderKL` and of `VQModel`, with their defaults. */
const common = {
  in_channels: count.default(3),
  out_channels: count.default(3),
  down_block_types: z
    .array(z.literal("DownEncoderBlock2D", { error: "only DownEncoderBlock2D is supported" }))
    .default(["DownEncoderBlock2D"]),
  up_block_types: z
    .array(z.literal("UpDecoderBlock2D", { error: "only UpDecoderBlock2D is supported" }))
    .default(["UpDecoderBlock2D"]),
  block_out_channels: z.array(count).min(1).max(16).default([64]),
  layers_per_block: count.max(64).default(1),
  act_fn: z.enum(["silu", "swish"]).default("silu"),
  norm_num_groups: count.default(32),
  scaling_factor: z.number().positive().default(0.18215),
  mid_block_add_attention: z.boolean().default(true),
};
const klFields = {
  ...common,
  latent_channels: count.default(4),
  shift_factor: z.number().nullish(),
  latents_mean: only(null),
  latents_std: only(null),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
};
const vqFields = {
  ...common,
  latent_channels: count.default(3),
  num_vq_embeddings: count.default(256),
  vq_embed_dim: count.nullish(),
  norm_type: only("group"),
};

/**
 * `sample_size`: size of the training images; any size works. `force_upcast`: we compute in float32 anyway.
 * `lookup_from_codebook`: for a way of decoding that latent diffusion does not use.
 */
const harmless = ["sample_size", "force_upcast", "lookup_from_codebook"];

type Common = z.output<z.ZodObject<typeof common>>;

function checkLevels(given: Common, fail: (field: string, message: string) => void): void {
  const levels = given.block_out_channels.length;
  if (given.out_channels !== given.in_channels) {
    fail("out_channels", `${given.out_channels} channels out of ${given.in_channels} are not supported`);
  }
  for (const field of ["down_block_types", "up_block_types"] as const) {
    if (given[field].length !== levels) fail(field, `must be ${levels}, the length of "block_out_channels"`);
  }
}

/** Supported autoencoders, by diffusers' classes. */
const kinds: Readonly<Record<string, (component: DiffusersComponent) => AutoencoderConfigInput>> = {
  AutoencoderKL: describeKl,
  VQModel: describeVq,
  AutoencoderTiny: describeTinyAutoencoder,
  AutoencoderKLWan: describeWanAutoencoder,
};

/** Classes of diffusers that `readDiffusersAutoencoder` reads. */
export const autoencoderClasses: readonly string[] = Object.keys(kinds);

/** An autoencoder's configuration in our words; its class must be one of these. @throws DisbackError naming file and field */
export function describeAutoencoder(component: DiffusersComponent): AutoencoderConfigInput {
  return kinds[component.className]!(component);
}

function describeKl(component: DiffusersComponent): AutoencoderConfigInput {
  const given = parseStrictFields(klFields, harmless, component, checkLevels);
  return {
    autoencoder: "kl",
    ...describeCommon(given),
    latentChannels: given.latent_channels,
    quantConvolution: given.use_quant_conv,
    postQuantConvolution: given.use_post_quant_conv,
    shiftFactor: given.shift_factor ?? 0,
  };
}

function describeVq(component: DiffusersComponent): AutoencoderConfigInput {
  const given = parseStrictFields(vqFields, harmless, component, checkLevels);
  return {
    autoencoder: "vq",
    ...describeCommon(given),
    latentChannels: given.vq_embed_dim ?? given.latent_channels,
    innerChannels: given.latent_channels,
    codebookSize: given.num_vq_embeddings,
  };
}

function describeCommon(given: Common) {
  return {
    imageChannels: given.in_channels,
    channels: given.block_out_channels,
    blocksPerLevel: given.layers_per_block,
    normalizationGroups: given.norm_num_groups,
    attention: given.mid_block_add_attention,
    scalingFactor: given.scaling_factor,
  };
}

/**
 * Reads an `AutoencoderKL`, a `VQModel`, an `AutoencoderTiny` or an `AutoencoderKLWan`; in evaluation mode, frozen.
 * @throws DisbackError naming the file and field, or the file and key
 */
export async function readDiffusersAutoencoder(component: DiffusersComponent): Promise<Autoencoder> {
  const config = parseAutoencoderConfig(describeAutoencoder(component), component.configPath);
  const stored = await openComponentWeights(component);
  const fail = (problem: string): never => {
    throw new DisbackError(`${stored.path}: ${problem}`);
  };
  try {
    const autoencoder = build(
      () => buildAutoencoder(config, weightsWithin(storedNumbers(stored.tensors), fail)),
      fail,
    );
    const weights = new Map([...stored.tensors].map(([key, tensor]) => [presentKey(key), tensor]));
    await loadStoredWeights(autoencoder, weights, fail);
    autoencoder.eval().requiresGrad_(false);
    return autoencoder;
  } finally {
    stored.close();
  }
}

function build(make: () => Autoencoder, fail: (problem: string) => never): Autoencoder {
  try {
    return make();
  } catch (error) {
    if (error instanceof TorchError) return fail(`the network cannot be built: ${error.message}`);
    throw error;
  }
}
