/** Options of `T5EncoderModel` of transformers, under names of ours. */
export interface T5Options {
  tokens: number;
  channels: number;
  headChannels: number;
  feedForwardChannels: number;
  layers: number;
  heads: number;
  /** distances between tokens share these many biases */
  distanceBuckets: number;
  /** longest distance that is told from longer ones */
  longestDistance: number;
  normalizationEps: number;
  /** the feed-forward layer is gated by the GELU of another (version 1.1), or has a ReLU (1.0) */
  gated: boolean;
}
