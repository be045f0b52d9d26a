/** Options of EDM2's U-Net, named as in Karras et al. 2024, figure 21 and table 6. */
export interface Edm2Options {
  imageResolution: number;
  inChannels: number;
  outChannels: number;
  /** 0 means unconditional */
  labelDim: number;
  labelDropout: number;
  modelChannels: number;
  /** one multiplier per resolution, highest first */
  channelMultipliers: number[];
  /** noise embedding channels as a multiple of `modelChannels`; default as the first level */
  noiseMultiplier?: number | undefined;
  /** embedding channels as a multiple of `modelChannels`; default as the widest level */
  embeddingMultiplier?: number | undefined;
  blocksPerResolution: number;
  attentionResolutions: number[];
  channelsPerHead: number;
  resampleFilter: number[];
  dropout: number;
  /** balance of the noise embedding (0) and the class embedding (1) */
  labelBalance: number;
  /** balance of the main path (0) and the encoder's outputs (1) in the decoder */
  concatBalance: number;
  /** balance of the main path (0) and the residual branch (1) */
  residualBalance: number;
  /** balance of the main path (0) and self-attention (1) */
  attentionBalance: number;
  /** largest magnitude of a block's output; null for no limit */
  clipActivations: number | null;
}
