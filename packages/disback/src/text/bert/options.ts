/** Options of transformers' `BertModel`, with our names. */
export interface BertOptions {
  tokens: number;
  channels: number;
  feedForwardChannels: number;
  layers: number;
  heads: number;
  /** longest text, in tokens */
  places: number;
  /** kinds of text, such as question and answer; here all tokens are of the first kind */
  kinds: number;
  normalizationEps: number;
  /** a layer on the first token's state; sentence encoders do not use it */
  pooler: boolean;
}
