import { CharacterMap } from "./character-map.js";

/** A step of the library that rewrites a text; those of type "Sequence" have others inside. */
interface Normalizer {
  config: Readonly<Record<string, unknown>>;
  normalizers?: (Normalizer | null)[];
  normalize(text: string): string;
}

/** A step of the library that splits a text; sequences have others inside. */
interface Splitter {
  pattern?: unknown;
  tokenizers?: (Splitter | null)[];
  pre_tokenize_text(text: string): string[];
}

/** What finds the tokens of a piece of text. */
interface Model {
  config: Readonly<Record<string, unknown>>;
  tokens_to_ids: ReadonlyMap<string, number>;
  encode(pieces: string[]): string[];
}

/** The parts of a tokenizer of `@huggingface/tokenizers` that differ from the Rust library's. */
export interface Inexact {
  normalizer: Normalizer | null;
  pre_tokenizer: Splitter | null;
  model: Model;
}

/**
 * Makes a tokenizer of `@huggingface/tokenizers` give what the Rust library gives. JavaScript's `toLowerCase` knows the
 * final sigma, Rust's lower case of single characters does not; JavaScript's `\s` contains U+FEFF but not U+0085; the
 * library uses NFKC instead of a compiled table; its BERT splits characters beyond U+FFFF in halves;
 * its unigram models do not spell in bytes what no token covers.
 * @param json what the tokenizer was made of
 */
export function makeExact({ normalizer, pre_tokenizer, model }: Inexact, json: object): void {
  makeNormalizerExact(normalizer);
  makeSplitterExact(pre_tokenizer, (json as { pre_tokenizer?: unknown }).pre_tokenizer);
  if (model.config["type"] === "Unigram" && model.config["byte_fallback"] === true) spellInBytes(model);
}

function spellInBytes(model: Model): void {
  const { tokens_to_ids: known } = model;
  const find = model.encode.bind(model);
  const bytesOf = (text: string) =>
    [...Buffer.from(text)].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  model.encode = (pieces) =>
    find(pieces).flatMap((token) => {
      const bytes = known.has(token) ? [] : bytesOf(token);
      return bytes.length > 0 && bytes.every((byte) => known.has(byte)) ? bytes : [token];
    });
}

function makeNormalizerExact(normalizer: Normalizer | null): void {
  if (!normalizer) return;
  const { config } = normalizer;
  for (const part of normalizer.normalizers ?? []) makeNormalizerExact(part);
  if (config["type"] === "Lowercase") normalizer.normalize = lowercase;
  if (config["type"] === "BertNormalizer") normalizer.normalize = (text) => bertText(text, config);
  if (config["type"] === "Precompiled" && typeof config["precompiled_charsmap"] === "string") {
    const map = new CharacterMap(Buffer.from(config["precompiled_charsmap"], "base64"));
    normalizer.normalize = (text) => map.rewrite(text);
  }
}

function makeSplitterExact(splitter: Splitter | null, given: unknown): void {
  if (!splitter || typeof given !== "object" || given === null) return;
  const json = given as Readonly<Record<string, unknown>>;
  const parts = json["pretokenizers"];
  if (Array.isArray(parts)) {
    for (const [index, part] of parts.entries())
      makeSplitterExact(splitter.tokenizers?.[index] ?? null, part);
  }
  const { pattern } = splitter;
  if (pattern instanceof RegExp && pattern.unicode) {
    const source = pattern.source.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}");
    splitter.pattern = new RegExp(source, pattern.flags);
  }
  if (json["type"] === "WhitespaceSplit") {
    splitter.pre_tokenize_text = (text) => text.match(/\P{White_Space}+/gu) ?? [];
  }
}

function lowercase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join("");
}

/** `BertNormalizer` of the Rust library. */
function bertText(text: string, config: Readonly<Record<string, unknown>>): string {
  let result = text;
  if (config["clean_text"] !== false) {
    result = result
      .replace(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, "")
      .replace(/\p{White_Space}/gu, " ");
  }
  if (config["handle_chinese_chars"] !== false) result = result.replace(ideographs, " $& ");
  const lower = config["lowercase"] !== false;
  if (config["strip_accents"] ?? lower) result = result.normalize("NFD").replace(/\p{Mn}/gu, "");
  return lower ? lowercase(result) : result;
}

/** The Unicode blocks that BERT treats as Chinese (Devlin et al. 2019, released code). */
const ideographs =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
