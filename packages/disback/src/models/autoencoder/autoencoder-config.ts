import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { activationNames } from "../unet-2d/activation.js";

const count = z.int().positive();
/** One number for all channels of a latent, or one per channel. */
const perChannel = <Value extends z.ZodNumber>(value: Value) => z.union([value, z.array(value).min(1)]);

/** Fields of "kl" and "vq". */
const common = {
  imageChannels: count,
  /** channels of a latent */
  latentChannels: count,
  /** channels of each level, highest resolution first; each level halves the resolution */
  channels: z.array(count).min(1),
  blocksPerLevel: count.default(2),
  normalizationGroups: count.default(32),
  /** self-attention at the lowest resolution */
  attention: z.boolean().default(true),
  /** range of the images it was trained on, [-1, 1] or [0, 1]; inputs and outputs here are always in [-1, 1] */
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
  /** number of codebook vectors, each of `latentChannels` numbers */
  codebookSize: count,
  /** channels between the halves and the codebook; default `latentChannels` */
  innerChannels: count.optional(),
});

const blocks = z.array(z.int().nonnegative()).min(1).max(16);

const tiny = z.strictObject({
  autoencoder: z.literal("tiny"),
  imageChannels: count,
  latentChannels: count,
  /** of every layer of the encoder */
  encoderChannels: count,
  decoderChannels: count,
  /** blocks of each resolution, highest first; it halves from one to the next */
  encoderBlocks: blocks,
  /** blocks of each resolution, lowest first */
  decoderBlocks: blocks,
  /** by how much the decoder enlarges from one resolution to the next */
  enlargement: count.default(2),
  activation: z.enum(activationNames).default("relu"),
  scalingFactor: z.number().positive().default(1),
  shiftFactor: z.number().default(0),
});

const wan = z.strictObject({
  autoencoder: z.literal("wan"),
  imageChannels: count,
  latentChannels: count,
  /** of the highest resolution, before multiplication */
  encoderChannels: count,
  decoderChannels: count,
  /** of each level, highest resolution first; each level halves height and width */
  channelMultipliers: z.array(count).min(1).max(16),
  blocksPerLevel: count.default(2),
  /** whether each level also halves the frames, for all but the last */
  halvedFrames: z.array(z.boolean()),
  scalingFactor: perChannel(z.number().positive()),
  shiftFactor: perChannel(z.number()),
});

/**
 * The configuration of an autoencoder: "kl" (AutoencoderKL of diffusers), "vq" (VQModel, whose decoder takes the nearest
 * vectors of a codebook), "tiny" (AutoencoderTiny) or "wan" (AutoencoderKLWan, for clips). Latents are the encoder's output z as
 * `(z - shiftFactor) * scalingFactor`, so that they have about unit variance. Unknown fields are errors.
 */
export const autoencoderConfig = z
  .discriminatedUnion("autoencoder", [kl, vq, tiny, wan], { error: 'expected "kl", "vq", "tiny" or "wan"' })
  .superRefine((config, context) => {
    const fail = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: config });
    if (config.autoencoder === "tiny") {
      const { encoderBlocks, decoderBlocks, enlargement } = config;
      const enlarged = enlargement ** (decoderBlocks.length - 1);
      if (enlarged !== 2 ** (encoderBlocks.length - 1))
        fail("enlargement", `pictures would come back ${enlarged} times the size of their latents`);
      return;
    }
    const { latentChannels } = config;
    if (config.autoencoder === "wan") checkLevels(config, fail);
    else {
      const { channels, normalizationGroups: groups } = config;
      const odd = channels.find((count) => count % groups !== 0);
      if (odd !== undefined) fail("channels", `${odd} cannot be divided into ${groups} normalization groups`);
    }
    for (const field of ["scalingFactor", "shiftFactor"] as const) {
      const value = config[field];
      if (Array.isArray(value) && value.length !== latentChannels) {
        fail(field, `must be one number, or ${latentChannels} numbers (latentChannels)`);
      }
    }
  });

function checkLevels(
  { channelMultipliers, halvedFrames, decoderChannels }: z.output<typeof wan>,
  fail: (field: string, message: string) => void,
): void {
  const between = channelMultipliers.length - 1;
  if (halvedFrames.length !== between)
    fail("halvedFrames", `must be ${between}, one between two levels each`);
  const odd = channelMultipliers.slice(1).find((factor) => (factor * decoderChannels) % 2 !== 0);
  if (odd !== undefined)
    fail("decoderChannels", `${odd * decoderChannels} channels of a level cannot be halved`);
}

/** An autoencoder's configuration with all defaults filled in. */
export type AutoencoderConfig = z.output<typeof autoencoderConfig>;
/** An autoencoder's configuration as a user writes it. */
export type AutoencoderConfigInput = z.input<typeof autoencoderConfig>;
export type KlConfig = Extract<AutoencoderConfig, { autoencoder: "kl" }>;
export type VqConfig = Extract<AutoencoderConfig, { autoencoder: "vq" }>;
export type TinyConfig = Extract<AutoencoderConfig, { autoencoder: "tiny" }>;
export type WanConfig = Extract<AutoencoderConfig, { autoencoder: "wan" }>;

/** Whether a configuration is of an autoencoder. */
export function isAutoencoderConfig(value: unknown): boolean {
  return typeof (value as { autoencoder?: unknown } | null)?.autoencoder === "string";
}

/**
 * Checks a configuration and fills in defaults.
 * @param origin file name for the message
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

/** The factor between the side of an image and the side of its latent. */
export function reduction(config: AutoencoderConfig): number {
  return 2 ** (levelsOf(config) - 1);
}

function levelsOf(config: AutoencoderConfig): number {
  if (config.autoencoder === "tiny") return config.encoderBlocks.length;
  return (config.autoencoder === "wan" ? config.channelMultipliers : config.channels).length;
}

/** How many frames after a clip's first share a latent. */
export function frameReduction({ halvedFrames }: WanConfig): number {
  return 2 ** halvedFrames.filter((halved) => halved).length;
}
