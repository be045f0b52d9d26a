/** Fields of transformers' configurations that say nothing of what is built here: history, training, generation. */
export const bookkeeping = [
  "architectures",
  "model_type",
  "torch_dtype",
  "dtype",
  "transformers_version",
  "gradient_checkpointing",
  "initializer_range",
  "initializer_factor",
  "pad_token_id",
  "bos_token_id",
  "use_cache",
  "classifier_dropout",
  "tie_word_embeddings",
  "output_attentions",
  "output_hidden_states",
  "return_dict",
] as const;
