/** Levels that are built, by diffusers' names. */
export const conditionDownBlocks = ["DownBlock2D", "CrossAttnDownBlock2D"] as const;
export const conditionUpBlocks = ["UpBlock2D", "CrossAttnUpBlock2D"] as const;
export const conditionMiddleBlocks = ["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"] as const;

/** One level of either half. */
export interface ConditionLevel {
  channels: number;
  /** attention after every residual block */
  attention: boolean;
  /** heads of every attention of the level */
  heads: number;
  /** channels of the text states that it looks at */
  textChannels: number;
  /** one entry per residual block: how many transformer blocks follow it */
  transformerLayers: readonly number[];
}

/** Options of `UNet2DConditionModel` of diffusers, under names of ours. */
export interface UNet2DConditionOptions {
  inChannels: number;
  outChannels: number;
  /** the network works on 2 x - 1 */
  centerInput: boolean;
  cosineFirst: boolean;
  /** subtracted from the count of frequencies: 1 has the last one at exactly 1 / 10000 */
  frequencyShift: 0 | 1;
  /** width of the embedding of steps */
  embeddingChannels: number;
  /** contracting half, highest resolution first; a level has as many residual blocks as `transformerLayers` entries */
  down: readonly ConditionLevel[];
  /** the middle: with attention, without it (one residual block), or none */
  middle: (ConditionLevel & { scale: number }) | null;
  /** expanding half, lowest resolution first; one residual block more than the contracting half's level */
  up: readonly ConditionLevel[];
  downsamplePadding: 0 | 1;
  dropout: number;
  normalizationGroups: number;
  normalizationEps: number;
  /** the embedding scales and shifts, not only shifts */
  scaleShift: boolean;
  /** projections around the transformer blocks are linear layers, not pointwise convolutions */
  linearProjection: boolean;
  /**
   * SDXL: pooled text and six sizes of the picture are added to the embedding of steps; null for none. With 0
   * sizeChannels the sizes are left out.
   */
  added: { sizeChannels: number; inChannels: number } | null;
}
