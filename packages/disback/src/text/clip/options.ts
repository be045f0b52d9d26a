/** Options of transformers' `CLIPTextModel` and `CLIPTextModelWithProjection`, with our names. */
export interface ClipTextOptions {
  tokens: number;
  channels: number;
  feedForwardChannels: number;
  layers: number;
  heads: number;
  /** longest text, in tokens */
  places: number;
  activation: "quick_gelu" | "gelu";
  normalizationEps: number;
  /** the text's vector is the state at the first token with this id; null: at the highest id, as in older files */
  endToken: number | null;
  /** of the projected vector; null for none */
  projectionChannels: number | null;
}
