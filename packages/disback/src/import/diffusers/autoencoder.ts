import { TorchError } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import {
  type AutoencoderConfigInput,
  parseAutoencoderConfig,
} from "../../models/autoencoder/autoencoder-config.js";
import { AutoencoderKl } from "../../models/autoencoder/autoencoder-kl.js";
import { weightsWithin } from "../../models/sensible-sizes.js";
import { storedNumbers } from "../checkpoint/stored-tensor.js";
import { loadStoredWeights } from "../load-weights.js";
import { openComponentWeights } from "./component-weights.js";
import type { DiffusersComponent } from "./folder.js";
import { parseFields } from "./parse-fields.js";
import { presentKey } from "./present-key.js";

const count = z.int().positive();
const notSupported = "not supported";
const fields = z
  .looseObject({
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
    latent_channels: count.default(4),
    norm_num_groups: count.default(32),
    scaling_factor: z.number().positive().default(0.18215),
    shift_factor: z.number().nullish(),
    latents_mean: z.null({ error: notSupported }).optional(),
    latents_std: z.null({ error: notSupported }).optional(),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
    mid_block_add_attention: z.boolean().default(true),
  })
  .superRefine((given, context) => {
    const fail = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: given });
    const levels = given.block_out_channels.length;
    if (given.out_channels !== given.in_channels) {
      fail("out_channels", `${given.out_channels} channels out of ${given.in_channels} are not supported`);
    }
    for (const field of ["down_block_types", "up_block_types"] as const) {
      if (given[field].length !== levels)
        fail(field, `must be ${levels}, as many as "block_out_channels" has`);
    }
  });

/** `AutoencoderKL`'s configuration in our words. @throws DisbackError naming file and field */
export function describeAutoencoder(component: DiffusersComponent): AutoencoderConfigInput {
  const given = parseFields(fields, component);
  return {
    autoencoder: "kl",
    imageChannels: given.in_channels,
    latentChannels: given.latent_channels,
    channels: given.block_out_channels,
    blocksPerLevel: given.layers_per_block,
    normalizationGroups: given.norm_num_groups,
    attention: given.mid_block_add_attention,
    quantConvolution: given.use_quant_conv,
    postQuantConvolution: given.use_post_quant_conv,
    scalingFactor: given.scaling_factor,
    shiftFactor: given.shift_factor ?? 0,
  };
}

/**
 * Reads an `AutoencoderKL`; in evaluation mode, frozen.
 * @throws DisbackError naming the file and field, or the file and key
 */
export async function readDiffusersAutoencoder(component: DiffusersComponent): Promise<AutoencoderKl> {
  const config = parseAutoencoderConfig(describeAutoencoder(component), component.configPath);
  const stored = await openComponentWeights(component);
  const fail = (problem: string): never => {
    throw new DisbackError(`${stored.path}: ${problem}`);
  };
  try {
    const autoencoder = build(
      () => new AutoencoderKl(weightsWithin(storedNumbers(stored.tensors), fail), config),
      fail,
    );
    const weights = new Map([...stored.tensors].map(([key, tensor]) => [presentKey(key), tensor]));
    await loadStoredWeights(autoencoder, weights, fail);
    return autoencoder.eval().requiresGrad_(false);
  } finally {
    stored.close();
  }
}

function build(make: () => AutoencoderKl, fail: (problem: string) => never): AutoencoderKl {
  try {
    return make();
  } catch (error) {
    if (error instanceof TorchError) return fail(`the network cannot be built: ${error.message}`);
    throw error;
  }
}
