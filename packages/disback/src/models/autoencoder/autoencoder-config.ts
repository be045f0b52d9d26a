import { z } from "zod";
import { DisbackError } from "../../errors.js";

const count = z.int().positive();
/** One number for all channels of a latent, or one for each. */
const perChannel = <Value extends z.ZodNumber>(value: Value) => z.union([value, z.array(value).min(1)]);

/** Fields of every autoencoder. */
const common = {
  imageChannels: count,
  /** of a latent, the sample of a diffusion model */
  latentChannels: count,
  /** channels of each level, highest resolution first; the resolution halves from one to the next */
  channels: z.array(count).min(1),
  blocksPerLevel: count.default(2),
  normalizationGroups: count.default(32),
  /** self-attention at the lowest resolution */
  attention: z.boolean().default(true),
  /** of the images it was made for, [-1, 1] or [0, 1]; what is encoded and decoded is in [-1, 1] either way */
  imageRange: z.enum(["symmetric", "unit"]).default("symmetric"),
  scalingFactor: perChannel(z.number().positive()).default(0.18215),
  shiftFactor: perChannel(z.number()).default(0),
};

const kl = z.strictObject({
  autoencoder: z.literal("kl"),
  ...common,
  /** a pointwise convolution after the encoder */
  quantConvolution: z.boolean().default(true),
  /** a pointwise convolution before the decoder */
  postQuantConvolution: z.boolean().default(true),
});

const vq = z.strictObject({
  autoencoder: z.literal("vq"),
  ...common,
  /** vectors of the codebook, each of `latentChannels` numbers */
  codebookSize: count,
  /** channels between the halves and the codebook; default `latentChannels` */
  innerChannels: count.optional(),
});

/**
 * An autoencoder in words: "kl" (AutoencoderKL of diffusers) or "vq" (VQModel, whose decoder takes the nearest vectors
 * of a codebook). Latents are `(z - shiftFactor) * scalingFactor` of what the encoder gives, so that they have about
 * unit variance. Unknown fields are errors.
 */
export const autoencoderConfig = z
  .discriminatedUnion("autoencoder", [kl, vq], { error: 'expected "kl" or "vq"' })
  .superRefine((config, context) => {
    const fail = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: config });
    const { channels, normalizationGroups: groups, latentChannels } = config;
    const odd = channels.find((count) => count % groups !== 0);
    if (odd !== undefined) fail("channels", `${odd} cannot be shared by ${groups} normalization groups`);
    for (const field of ["scalingFactor", "shiftFactor"] as const) {
      const value = config[field];
      if (Array.isArray(value) && value.length !== latentChannels) {
        fail(field, `must be one number, or ${latentChannels}, as many as latentChannels`);
      }
    }
  });

/** An autoencoder's configuration with all defaults filled in. */
export type AutoencoderConfig = z.output<typeof autoencoderConfig>;
/** An autoencoder's configuration as a user writes it. */
export type AutoencoderConfigInput = z.input<typeof autoencoderConfig>;
export type KlConfig = Extract<AutoencoderConfig, { autoencoder: "kl" }>;
export type VqConfig = Extract<AutoencoderConfig, { autoencoder: "vq" }>;

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
