import { readFileSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { specialToken, type TokenizerSettings } from "./settings.js";

/**
 * BERT's tokenizer (word pieces, Wu et al. 2016) as a `tokenizer.json`.
 * @param path of `vocab.txt`, one token a line
 * @throws DisbackError if a special token is not in the vocabulary
 */
export function wordPieceTokenizer(path: string, settings: TokenizerSettings): object {
  const lines = readFileSync(path, "utf8").replace(/\n$/, "").split("\n");
  const vocab = Object.fromEntries(lines.map((token, id) => [token.replace(/\r$/, ""), id]));
  const special = (name: string, usual: string) => {
    const token = specialToken(settings, name, usual);
    const id = vocab[token.content];
    if (id === undefined) throw new DisbackError(`${path}: has no token "${token.content}"`);
    return { ...token, id };
  };
  const [start, end] = [special("cls_token", "[CLS]"), special("sep_token", "[SEP]")];
  const added = [special("pad_token", "[PAD]"), special("unk_token", "[UNK]"), start, end];
  if ("[MASK]" in vocab) added.push(special("mask_token", "[MASK]"));
  const one = (token: { content: string }) => ({ SpecialToken: { id: token.content, type_id: 0 } });
  return {
    added_tokens: added,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: settings["tokenize_chinese_chars"] ?? true,
      strip_accents: settings["strip_accents"] ?? null,
      lowercase: settings["do_lower_case"] ?? true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [one(start), { Sequence: { id: "A", type_id: 0 } }, one(end)],
      pair: [
        one(start),
        { Sequence: { id: "A", type_id: 0 } },
        one(end),
        { Sequence: { id: "B", type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        [start, end].map(({ content, id }) => [content, { id: content, ids: [id], tokens: [content] }]),
      ),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: special("unk_token", "[UNK]").content,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}
