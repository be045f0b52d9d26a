import type { ActivationName } from "./activation.js";

/** Supported levels by diffusers' names, and their parts besides residual blocks. */
export const downBlockTypes = ["DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"] as const;
export const upBlockTypes = ["UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"] as const;
export type DownBlockType = (typeof downBlockTypes)[number];
export type UpBlockType = (typeof upBlockTypes)[number];

/** Options of `UNet2DModel` of diffusers, under our names. */
export interface UNet2DOptions {
  inChannels: number;
  outChannels: number;
  /** 0 means unconditional */
  labelDim: number;
  labelDropout: number;
  /** how a class is embedded: as a row of a table, or as a number like a step (`labelDim` is then 1) */
  classEmbedding: "table" | "number";
  /** the network works on 2 x - 1 */
  centerInput: boolean;
  stepEmbedding: "positional" | "fourier";
  /** sines and cosines of a step, "positional" only; default the first level's channels */
  stepChannels?: number | undefined;
  /** width of the embedding; default four times the first level's channels */
  embeddingChannels?: number | undefined;
  /** subtracted from the number of frequencies; with 1, the last one is exactly 1 / 10000 */
  frequencyShift: 0 | 1;
  cosineFirst: boolean;
  downBlocks: readonly DownBlockType[];
  upBlocks: readonly UpBlockType[];
  middleBlock: boolean;
  middleAttention: boolean;
  /** divisor of the sums in the middle */
  middleScale: number;
  /** channels of each level, highest resolution first */
  blockChannels: readonly number[];
  layersPerBlock: number;
  downsamplePadding: 0 | 1;
  /** of levels with attention */
  downsampling: "conv" | "resnet";
  /** of levels with attention */
  upsampling: "conv" | "resnet";
  dropout: number;
  activation: ActivationName;
  /** channels of an attention head; null for one head of all channels */
  headChannels: number | null;
  /** heads of every attention, instead of `headChannels` */
  heads?: number | undefined;
  normalizationGroups: number;
  /** groups before the middle's attention; default as elsewhere, or none with `scaleShift` */
  middleAttentionGroups?: number | undefined;
  normalizationEps: number;
  /** the embedding scales and shifts, not only shifts */
  scaleShift: boolean;
}
