/** Options of `WanTransformer3DModel` of diffusers, under names of ours. */
export interface WanOptions {
  /** of a clip's latent */
  inChannels: number;
  outChannels: number;
  /** frames, rows and columns of latents that make a token */
  patch: readonly [frames: number, rows: number, columns: number];
  layers: number;
  heads: number;
  channelsPerHead: number;
  /** of the states of the text encoder */
  textChannels: number;
  /** of the waves that the time is first turned into */
  timeChannels: number;
  /** between the two layers behind attention */
  feedForwardChannels: number;
  /** tokens are normalized before they attend to the text */
  normalizedText: boolean;
  normalizationEps: number;
}
