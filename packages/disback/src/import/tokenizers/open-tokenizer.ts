import { existsSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { TextTokenizer } from "../../text/tokenizers/text-tokenizer.js";
import { isObject, readJsonObject } from "../diffusers/json-file.js";
import { bytePairTokenizer } from "./byte-pairs.js";
import { sentencePieceTokenizer } from "./sentence-pieces.js";
import { readSettings, specialToken, type TokenizerSettings } from "./settings.js";
import { wordPieceTokenizer } from "./word-pieces.js";

/** transformers' value for a tokenizer without a limit. */
const noLimit = 1e6;

/**
 * Opens the tokenizer of a folder: `tokenizer.json`, `vocab.json` with `merges.txt` (CLIP, GPT-2), `spiece.model` (T5) or
 * `vocab.txt` (BERT), the first one found; with `tokenizer_config.json` and `special_tokens_map.json` beside it.
 * @param settings override those in the files
 * @throws DisbackError naming the file that is missing or damaged
 */
export function openTokenizer(folder: string, settings: TokenizerSettings = {}): TextTokenizer {
  return open(folder, { ...readSettings(folder), ...settings });
}

function open(folder: string, settings: TokenizerSettings): TextTokenizer {
  const at = (name: string) => join(folder, name);
  if (existsSync(at("tokenizer.json"))) {
    const json = readJsonObject(at("tokenizer.json"), mostBytes);
    return build(at("tokenizer.json"), json, settings, paddingOf(json));
  }
  if (existsSync(at("vocab.json"))) {
    if (!existsSync(at("merges.txt"))) throw new DisbackError(`${at("merges.txt")}: no such file`);
    const json = bytePairTokenizer(at("vocab.json"), at("merges.txt"), settings);
    return build(at("vocab.json"), json, settings, "<|endoftext|>");
  }
  if (existsSync(at("spiece.model"))) {
    return build(at("spiece.model"), sentencePieceTokenizer(at("spiece.model"), settings), settings, "<pad>");
  }
  if (existsSync(at("vocab.txt"))) {
    return build(at("vocab.txt"), wordPieceTokenizer(at("vocab.txt"), settings), settings, "[PAD]");
  }
  throw new DisbackError(
    `${folder}: no tokenizer: there is no tokenizer.json, vocab.json, spiece.model or vocab.txt`,
  );
}

/** The largest known `tokenizer.json` has some 20 MB. */
const mostBytes = 128 * 2 ** 20;

function build(path: string, json: object, settings: TokenizerSettings, usualPadding: string): TextTokenizer {
  const limit = settings["model_max_length"];
  const longest = typeof limit === "number" && limit < noLimit ? limit : Number.POSITIVE_INFINITY;
  try {
    return new TextTokenizer(json, {
      longest,
      padding: specialToken(settings, "pad_token", usualPadding).content,
    });
  } catch (error) {
    throw new DisbackError(`${path}: cannot be read as a tokenizer: ${(error as Error).message}`);
  }
}

/** The padding token in `tokenizer.json`. */
function paddingOf(json: Readonly<Record<string, unknown>>): string {
  const { padding } = json;
  const token = isObject(padding) ? padding["pad_token"] : undefined;
  return typeof token === "string" ? token : "[PAD]";
}
