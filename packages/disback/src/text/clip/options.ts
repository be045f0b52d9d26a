/** Options of `CLIPTextModel` and `CLIPTextModelWithProjection` of transformers, under names of ours. */
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
  /** the token at whose first place the text's vector is read; null: at the highest id, as in older files */
  endToken: number | null;
  /** of the projected vector; null for none */
  projectionChannels: number | null;
}
