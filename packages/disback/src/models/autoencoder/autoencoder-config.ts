import { z } from "zod";
import { DisbackError } from "../../errors.js";

const count = z.int().positive();

/**
 * An autoencoder in words. Latents are `(z - shiftFactor) * scalingFactor` of what the encoder gives, so that they have
 * about unit variance. Unknown fields are errors.
 */
export const autoencoderConfig = z
  .strictObject({
    autoencoder: z.literal("kl", { error: 'expected "kl"' }),
    imageChannels: count,
    latentChannels: count,
    /** channels of each level, highest resolution first; the resolution halves from one to the next */
    channels: z.array(count).min(1),
    blocksPerLevel: count.default(2),
    normalizationGroups: count.default(32),
    /** self-attention at the lowest resolution */
    attention: z.boolean().default(true),
    /** a pointwise convolution after the encoder */
    quantConvolution: z.boolean().default(true),
    /** a pointwise convolution before the decoder */
    postQuantConvolution: z.boolean().default(true),
    scalingFactor: z.number().positive().default(0.18215),
    shiftFactor: z.number().default(0),
  })
  .superRefine((config, context) => {
    const { channels, normalizationGroups: groups } = config;
    const odd = channels.find((count) => count % groups !== 0);
    if (odd === undefined) return;
    const message = `${odd} cannot be shared by ${groups} normalization groups`;
    context.addIssue({ code: "custom", path: ["channels"], message, input: config });
  });

/** An autoencoder's configuration with all defaults filled in. */
export type AutoencoderConfig = z.output<typeof autoencoderConfig>;
/** An autoencoder's configuration as a user writes it. */
export type AutoencoderConfigInput = z.input<typeof autoencoderConfig>;

/**
 * Checks a configuration and fills in defaults.
 * @param origin where it comes from, for the message: a file's name
 * @throws DisbackError naming origin and field
 */
export function parseAutoencoderConfig(value: unknown, origin = "autoencoder"): AutoencoderConfig {
  const result = autoencoderConfig.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".")}${path.length ? ": " : ""}${message}`,
  );
  throw new DisbackError(`${origin}: ${problems.join("; ")}`);
}

/** Pixels in a row for one number of a latent. */
export function reduction(config: AutoencoderConfig): number {
  return 2 ** (config.channels.length - 1);
}
