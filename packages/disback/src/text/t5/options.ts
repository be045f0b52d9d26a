/** Options of transformers' `T5EncoderModel` and `UMT5EncoderModel`, with our names. */
export interface T5Options {
  tokens: number;
  channels: number;
  headChannels: number;
  feedForwardChannels: number;
  layers: number;
  heads: number;
  /** number of biases that the distances between tokens share */
  distanceBuckets: number;
  /** each layer has biases of its own (UMT5), or all share the first's (T5) */
  ownDistances: boolean;
  /** longest distance with a bias of its own */
  longestDistance: number;
  normalizationEps: number;
  /** the feed-forward layer is gated by the GELU of another (version 1.1), or has a ReLU (1.0) */
  gated: boolean;
}
