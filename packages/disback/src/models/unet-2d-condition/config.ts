import { z } from "zod";
import type { ConditionShapes } from "../condition.js";
import type { UNet2DConditionOptions } from "./options.js";

const count = z.int().positive();

const level = z.strictObject({
  channels: count,
  attention: z.boolean(),
  heads: count,
  textChannels: count,
  transformerLayers: z.array(count).min(1),
});

/**
 * Fields of a configuration with the network "unet-2d-condition", beside those of every denoiser; see
 * `UNet2DConditionOptions`.
 */
export const unet2DConditionFields = {
  /** height and width of the latents */
  imageResolution: count,
  imageChannels: count,
  /** tokens of a prompt, padding included */
  textLength: count.default(77),
  centerInput: z.boolean(),
  cosineFirst: z.boolean(),
  frequencyShift: z.literal([0, 1]),
  embeddingChannels: count,
  down: z.array(level).min(1),
  middle: level.extend({ scale: z.number().positive() }).nullable(),
  up: z.array(level).min(1),
  downsamplePadding: z.literal([0, 1]),
  dropout: z.number().min(0).lt(1),
  normalizationGroups: count,
  normalizationEps: z.number().positive(),
  scaleShift: z.boolean(),
  linearProjection: z.boolean(),
  added: z.strictObject({ sizeChannels: z.int().nonnegative(), inChannels: count }).nullable(),
};

type Checked = Omit<UNet2DConditionOptions, "inChannels" | "outChannels"> & { imageResolution: number };

/** Checks fields against each other. @param fail called with a field and what is wrong with it */
export function checkUNet2DCondition(
  config: Checked & { labelDim: number },
  fail: (field: string, message: string) => void,
): void {
  const { down, up, normalizationGroups: groups } = config;
  if (up.length !== down.length) fail("up", `must have ${down.length} entries, as many as down`);
  for (const [field, levels] of Object.entries({ down, up, middle: config.middle ? [config.middle] : [] })) {
    for (const { channels, heads, attention } of levels) {
      if (channels % groups !== 0)
        fail(field, `${channels} channels cannot be divided into ${groups} normalizationGroups`);
      if (attention && channels % heads !== 0)
        fail(field, `${channels} channels cannot be divided among ${heads} heads`);
    }
  }
  const factor = 2 ** (down.length - 1);
  if (config.imageResolution % factor !== 0)
    fail("imageResolution", `must be a multiple of ${factor}, one halving per further level`);
  if (config.labelDim > 0) fail("labelDim", "must be 0: this network is told a text, not a class");
}

/** Shapes of what the network is told. */
export function toldToUNet2DCondition({
  down,
  added,
  textLength,
}: Pick<UNet2DConditionOptions, "down" | "added"> & { textLength: number }): ConditionShapes {
  const text = [textLength, down.at(-1)!.textChannels];
  if (!added) return { text };
  const pooled = [added.inChannels - 6 * added.sizeChannels];
  return added.sizeChannels > 0 ? { text, pooled, sizes: [6] } : { text, pooled };
}
