import type { BlockStyle } from "./unet-block.js";

/** Options of DDPM++ and NCSN++ (Song et al. 2021), named as in Karras et al. 2022, table 7. */
export interface SongUNetOptions {
  imageResolution: number;
  inChannels: number;
  outChannels: number;
  /** 0 means unconditional */
  labelDim: number;
  /** 0 means no augmentation labels */
  augmentDim: number;
  /** channels at the highest resolution, before its multiplier */
  modelChannels: number;
  /** one multiplier per resolution, highest first */
  channelMultipliers: number[];
  /** embedding channels as a multiple of `modelChannels` */
  embeddingMultiplier: number;
  /** noise embedding channels as a multiple of `modelChannels`: 1 for DDPM++, 2 for NCSN++ */
  noiseMultiplier: number;
  blocksPerResolution: number;
  attentionResolutions: number[];
  dropout: number;
  labelDropout: number;
  /** "positional" for DDPM++, "fourier" for NCSN++ */
  embeddingType: "positional" | "fourier";
  /** "standard" for DDPM++, "residual" for NCSN++ */
  encoderType: "standard" | "skip" | "residual";
  decoderType: "standard" | "skip";
  /** [1, 1] for DDPM++, [1, 3, 3, 1] for NCSN++ */
  resampleFilter: number[];
}

/** What encoder and decoder build with. */
export type SongLayout = SongUNetOptions & { style: BlockStyle };
