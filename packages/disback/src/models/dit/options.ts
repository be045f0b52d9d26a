/** Options of DiT (Peebles and Xie 2023), table 1 for the published sizes. */
export interface DitOptions {
  /** height and width of the samples, a multiple of `patchSize` */
  imageResolution: number;
  inChannels: number;
  /** twice `inChannels` if the network also estimates a variance */
  outChannels: number;
  /** number of classes; the network has one more embedding, for "no class" */
  labelDim: number;
  patchSize: number;
  /** transformer blocks */
  layers: number;
  heads: number;
  channelsPerHead: number;
  /** biases of queries, keys and values */
  attentionBias: boolean;
  /** added to the variance in the normalization before each feed-forward layer */
  normalizationEps: number;
  dropout: number;
  labelDropout: number;
}
