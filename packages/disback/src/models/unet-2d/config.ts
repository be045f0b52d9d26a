import { z } from "zod";
import { activationNames } from "./activation.js";
import { downBlockTypes, type UNet2DOptions, upBlockTypes } from "./options.js";

const count = z.int().positive();
const way = z.enum(["conv", "resnet"]);

/** Fields of a configuration with the network "unet-2d", beside those of every denoiser; see `UNet2DOptions`. */
export const unet2DFields = {
  imageResolution: count,
  imageChannels: count,
  centerInput: z.boolean().default(false),
  classEmbedding: z.enum(["table", "number"]).default("table"),
  stepEmbedding: z.enum(["positional", "fourier"]).default("positional"),
  stepChannels: count.multipleOf(2).optional(),
  embeddingChannels: count.optional(),
  frequencyShift: z.literal([0, 1]).default(0),
  cosineFirst: z.boolean().default(true),
  downBlocks: z.array(z.enum(downBlockTypes)).min(1),
  upBlocks: z.array(z.enum(upBlockTypes)).min(1),
  middleBlock: z.boolean().default(true),
  middleAttention: z.boolean().default(true),
  middleScale: z.number().positive().default(1),
  blockChannels: z.array(count.multipleOf(2)).min(1),
  layersPerBlock: count.default(2),
  downsamplePadding: z.literal([0, 1]).default(1),
  downsampling: way.default("conv"),
  upsampling: way.default("conv"),
  dropout: z.number().min(0).lt(1).default(0),
  activation: z.enum(activationNames).default("silu"),
  headChannels: count.nullable().default(8),
  heads: count.optional(),
  normalizationGroups: count.default(32),
  middleAttentionGroups: count.optional(),
  normalizationEps: z.number().positive().default(1e-5),
  scaleShift: z.boolean().default(false),
};

/** The fields that are checked against each other. */
type Checked = Omit<UNet2DOptions, "inChannels" | "outChannels"> & {
  imageResolution: number;
  preconditioning: string;
};

/** Checks fields against each other. @param fail called with a field and what is wrong with it */
export function checkUNet2D(config: Checked, fail: (field: string, message: string) => void): void {
  const { blockChannels, normalizationGroups: groups, headChannels } = config;
  const levels = blockChannels.length;
  for (const field of ["downBlocks", "upBlocks"] as const) {
    if (config[field].length !== levels) fail(field, `must have ${levels} entries, as many as blockChannels`);
  }
  const factor = 2 ** (levels - 1);
  if (config.imageResolution % factor !== 0) {
    fail("imageResolution", `must be a multiple of ${factor}, one halving per further level`);
  }
  const uneven = blockChannels.find((channels) => channels % groups !== 0);
  if (uneven !== undefined) {
    fail("blockChannels", `${uneven} channels cannot be divided into ${groups} normalizationGroups`);
  }
  const middleGroups = config.middleAttentionGroups;
  if (middleGroups !== undefined && blockChannels.at(-1)! % middleGroups !== 0) {
    fail(
      "middleAttentionGroups",
      `${blockChannels.at(-1)} channels cannot be divided into ${middleGroups} groups`,
    );
  }
  const attentionChannels = attentionLevels(config).map((level) => blockChannels[level]!);
  const { heads } = config;
  const shared = attentionChannels.find((channels) => heads !== undefined && channels % heads !== 0);
  if (shared !== undefined)
    fail("heads", `${shared} channels of a level cannot be divided among ${heads} heads`);
  const narrow = attentionChannels.find(
    (channels) => heads === undefined && headChannels !== null && headChannels > channels,
  );
  if (narrow !== undefined) {
    fail("headChannels", `an attention head of ${headChannels} channels does not fit a level of ${narrow}`);
  }
  if (config.classEmbedding === "number" && config.labelDim > 1) {
    fail("labelDim", "must be 1 if the class is a number");
  }
  if (config.stepEmbedding === "fourier" && config.stepChannels !== undefined) {
    fail("stepChannels", 'has no effect with the stepEmbedding "fourier"');
  }
  if (config.stepEmbedding === "fourier" && config.preconditioning !== "discrete") {
    fail("stepEmbedding", 'fourier takes the logarithm of a step: the preconditioning must be "discrete"');
  }
}

/** Resolutions with attention. */
export function unet2DAttentionResolutions(config: Levels & { imageResolution: number }): number[] {
  return attentionLevels(config).map((level) => config.imageResolution >> level);
}

type Levels = Pick<
  UNet2DOptions,
  "blockChannels" | "downBlocks" | "upBlocks" | "middleBlock" | "middleAttention"
>;

/** Levels with attention; 0 is the highest resolution. */
function attentionLevels(config: Levels): number[] {
  const last = config.blockChannels.length - 1;
  return config.blockChannels.flatMap((_, level) => {
    const down = config.downBlocks[level] === "AttnDownBlock2D";
    const up = config.upBlocks[last - level] === "AttnUpBlock2D";
    const middle = level === last && config.middleBlock && config.middleAttention;
    return down || up || middle ? [level] : [];
  });
}
