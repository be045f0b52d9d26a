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
    /** height and width of the images it was made for; latents are smaller by `2 ** (channels.length - 1)` */
    imageResolution: count,
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
    const fail = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: config });
    const odd = config.channels.find((channels) => channels % config.normalizationGroups !== 0);
    if (odd !== undefined) {
      fail("channels", `${odd} cannot be shared by ${config.normalizationGroups} normalization groups`);
    }
    const factor = 2 ** (config.channels.length - 1);
    if (config.imageResolution % factor !== 0) fail("imageResolution", `must be a multiple of ${factor}`);
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

/** Shape of one latent `[C, h, w]` for images of the configuration's resolution. */
export function latentShape(config: AutoencoderConfig): number[] {
  const side = config.imageResolution / 2 ** (config.channels.length - 1);
  return [config.latentChannels, side, side];
}
