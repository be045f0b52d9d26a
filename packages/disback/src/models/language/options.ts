/** Sizes of a decoder-only language model. */
export interface LanguageOptions {
  /**
   * whose layers and keys: `llama` has rotary positions, RMS norms and SwiGLU (Touvron et al. 2023), `gpt2` learned positions,
   * layer norms and GELU (Radford et al. 2019)
   */
  layout: "llama" | "gpt2";
  /** size V of the vocabulary */
  tokens: number;
  /** token that stands before every text */
  begin: number;
  /** token that ends a text; -1 for none */
  end: number;
  /** longest text in tokens, the first one included */
  places: number;
  channels: number;
  layers: number;
  heads: number;
  /** heads of keys and values; fewer than `heads` is grouped-query attention (Ainslie et al. 2023) */
  keyValueHeads: number;
  headChannels: number;
  feedForwardChannels: number;
  normalizationEps: number;
  /** llama: base of the rotary frequencies */
  rotaryBase: number;
  /** gpt2: the activation; `gelu-tanh` is transformers' "gelu_new" */
  activation: "gelu" | "gelu-tanh";
  /** whether the table of embeddings also gives the logits */
  tied: boolean;
}
