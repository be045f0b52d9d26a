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
  "id2label",
  "label2id",
  "chunk_size_feed_forward",
] as const;

/** What files of before transformers 4.30 also hold of each part of a CLIP: how text would be generated, which it never is. */
export const generation = [
  ..."add_cross_attention bad_words_ids begin_suppress_tokens cross_attention_hidden_size decoder_start_token_id".split(
    " ",
  ),
  ..."diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty".split(
    " ",
  ),
  ..."finetuning_task forced_bos_token_id forced_eos_token_id is_decoder is_encoder_decoder length_penalty".split(
    " ",
  ),
  ..."max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_scores".split(
    " ",
  ),
  ..."prefix problem_type pruned_heads remove_invalid_values repetition_penalty return_dict_in_generate".split(
    " ",
  ),
  ..."sep_token_id suppress_tokens task_specific_params temperature tf_legacy_loss tie_encoder_decoder".split(
    " ",
  ),
  ..."tokenizer_class top_k top_p torchscript typical_p use_bfloat16".split(" "),
];
