/** Options of a layer of CLIP, of texts and of pictures. */
export interface ClipLayerOptions {
  channels: number;
  feedForwardChannels: number;
  heads: number;
  activation: "quick_gelu" | "gelu";
  normalizationEps: number;
}

/** Options of transformers' `CLIPTextModel` and `CLIPTextModelWithProjection`, with our names. */
export interface ClipTextOptions extends ClipLayerOptions {
  tokens: number;
  layers: number;
  /** longest text, in tokens */
  places: number;
  /** the text's vector is the state at the first token with this id; null: at the highest id, as in older files */
  endToken: number | null;
  /** of the projected vector; null for none */
  projectionChannels: number | null;
}

/** Options of transformers' `CLIPVisionModelWithProjection`, with our names. */
export interface ClipVisionOptions extends ClipLayerOptions {
  imageChannels: number;
  /** height and width of its pictures */
  imageResolution: number;
  patchSize: number;
  layers: number;
  projectionChannels: number;
}
