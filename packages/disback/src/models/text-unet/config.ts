import { z } from "zod";

const count = z.int().positive();

/** Fields of a configuration with the network "text-unet", beside those of every denoiser; see `TextUNet`. */
export const textUNetFields = {
  imageResolution: count,
  imageChannels: count,
  /** side of the squares of pixels that the U-Net works on */
  patchSize: count.default(2),
  /** channels of the levels, highest resolution first */
  blockChannels: z.array(count.multipleOf(2)).min(1).default([64, 128, 160]),
  layersPerBlock: count.default(1),
  /** heights of feature maps that look at the text; the narrowest always does */
  attentionResolutions: z.array(count).default([8]),
  heads: count.default(4),
  normalizationGroups: count.default(16),
  dropout: z.number().min(0).lt(1).default(0),
  /** pieces of words that it knows, see `readPrompt`; default: learned from the captions of the training data */
  vocabulary: z.array(z.string().min(1)).max(100_000).default([]),
  /** the most pieces of a prompt that it reads */
  textLength: count.max(1024).default(16),
  textChannels: count.default(128),
  textLayers: count.default(2),
  textHeads: count.default(4),
  /** prompts that it was trained with: what it draws and learns from if no others are given */
  prompts: z.array(z.string().min(1)).max(100_000).default([]),
};

interface Checked {
  imageResolution: number;
  patchSize: number;
  blockChannels: readonly number[];
  attentionResolutions: readonly number[];
  heads: number;
  normalizationGroups: number;
  textChannels: number;
  textHeads: number;
  labelDim: number;
}

/** Checks fields against each other. @param fail called with a field and what is wrong with it */
export function checkTextUNet(config: Checked, fail: (field: string, message: string) => void): void {
  const { blockChannels, normalizationGroups: groups, heads, attentionResolutions } = config;
  const factor = config.patchSize * 2 ** (blockChannels.length - 1);
  if (config.imageResolution % factor !== 0)
    fail(
      "imageResolution",
      `must be a multiple of ${factor}: of patchSize, and of one halving per further level`,
    );
  const uneven = blockChannels.find((channels) => channels % groups !== 0);
  if (uneven !== undefined)
    fail("blockChannels", `${uneven} channels cannot be divided into ${groups} normalizationGroups`);
  const shared = blockChannels.find((channels) => channels % heads !== 0);
  if (shared !== undefined)
    fail("heads", `${shared} channels of a level cannot be divided among ${heads} heads`);
  const sides = blockChannels.map((_, level) => config.imageResolution / config.patchSize / 2 ** level);
  const absent = attentionResolutions.find((side) => !sides.includes(side));
  if (absent !== undefined)
    fail("attentionResolutions", `there is no level of height ${absent}, only of ${sides.join(", ")}`);
  if (config.textChannels % config.textHeads !== 0)
    fail(
      "textHeads",
      `${config.textChannels} textChannels cannot be divided among ${config.textHeads} heads`,
    );
  if (config.labelDim > 0) fail("labelDim", "must be 0: this network is told a text, not a class");
}
