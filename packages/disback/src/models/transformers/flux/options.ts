/** Options of `FluxTransformer2DModel` of diffusers, under names of ours. */
export interface FluxOptions {
  /** of a picture's latent; four of its pixels make a token */
  imageChannels: number;
  outChannels: number;
  /** blocks in which picture and text have weights of their own */
  jointLayers: number;
  /** blocks with the same weights for both */
  singleLayers: number;
  heads: number;
  channelsPerHead: number;
  textChannels: number;
  pooledChannels: number;
  /** distilled from guidance, whose scale it is told */
  guidance: boolean;
  /** channels of a head that are turned by a token's index, row and column */
  axisChannels: readonly number[];
}
