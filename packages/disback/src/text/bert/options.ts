/** Options of `BertModel` of transformers, under names of ours. */
export interface BertOptions {
  tokens: number;
  channels: number;
  feedForwardChannels: number;
  layers: number;
  heads: number;
  /** longest text, in tokens */
  places: number;
  /** kinds of text that are told apart, such as question and answer; all tokens here are of the first */
  kinds: number;
  normalizationEps: number;
  /** a layer on the first token's state, which sentence encoders do not use */
  pooler: boolean;
}
