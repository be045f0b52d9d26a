/** Options of ADM (Dhariwal and Nichol 2021), named as in Karras et al. 2022, table 7. */
export interface DhariwalUNetOptions {
  imageResolution: number;
  inChannels: number;
  outChannels: number;
  /** 0 means unconditional */
  labelDim: number;
  /** 0 means no augmentation labels */
  augmentDim: number;
  modelChannels: number;
  /** one multiplier per resolution, highest first */
  channelMultipliers: number[];
  /** embedding channels as a multiple of `modelChannels` */
  embeddingMultiplier: number;
  blocksPerResolution: number;
  attentionResolutions: number[];
  /** a block with fewer channels than this has no attention */
  channelsPerHead: number;
  dropout: number;
  labelDropout: number;
}
