import { readFileSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { isObject, readJsonObject } from "../diffusers/json-file.js";
import { specialToken, type TokenizerSettings } from "./settings.js";

/** CLIP's pattern of a word (Radford et al. 2021, released code). */
const clipWords =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * CLIP's or GPT-2's tokenizer (byte pairs, Sennrich et al. 2016) as a `tokenizer.json`. CLIP's marks the ends
 * of words in its vocabulary.
 * @throws DisbackError naming the file that is damaged
 */
export function bytePairTokenizer(
  vocabPath: string,
  mergesPath: string,
  settings: TokenizerSettings,
): object {
  const vocab = readVocabulary(vocabPath);
  const merges = readMerges(mergesPath);
  const clip = merges.some(([, right]) => right.endsWith("</w>"));
  const start = specialToken(settings, "bos_token", clip ? "<|startoftext|>" : "<|endoftext|>");
  const end = specialToken(settings, "eos_token", "<|endoftext|>");
  // Stable Diffusion 2 and XL pad with "!", which thereby becomes a token of its own in prompts too.
  const others = ["unk_token", "pad_token"].map((name) => specialToken(settings, name, "<|endoftext|>"));
  const id = (token: { content: string }) => {
    const found = vocab[token.content];
    if (found === undefined) throw new DisbackError(`${vocabPath}: has no token "${token.content}"`);
    return found;
  };
  const added = [...new Map([...others, end, start].map((token) => [token.content, token])).values()];
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: settings["add_prefix_space"] === true,
    trim_offsets: true,
  };
  return {
    added_tokens: added.map((token) => ({ ...token, id: id(token) })),
    normalizer: clip
      ? sequence("normalizers", [
          { type: "NFC" },
          { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
          { type: "Lowercase" },
        ])
      : null,
    pre_tokenizer: clip
      ? sequence("pretokenizers", [
          { type: "Split", pattern: { Regex: clipWords }, behavior: "Removed", invert: true },
          { ...byteLevel, add_prefix_space: false, use_regex: true },
        ])
      : { ...byteLevel, use_regex: true },
    post_processor: clip
      ? {
          type: "RobertaProcessing",
          sep: [end.content, id(end)],
          cls: [start.content, id(start)],
          trim_offsets: false,
          add_prefix_space: false,
        }
      : byteLevel,
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: clip ? specialToken(settings, "unk_token", "<|endoftext|>").content : null,
      continuing_subword_prefix: "",
      end_of_word_suffix: clip ? "</w>" : "",
      fuse_unk: false,
      vocab,
      merges,
    },
  };
}

function sequence(kind: string, parts: object[]): object {
  return { type: "Sequence", [kind]: parts };
}

function readVocabulary(path: string): Record<string, number> {
  const vocab = readJsonObject(path);
  if (
    !isObject(vocab) ||
    Object.values(vocab).some((id) => !Number.isSafeInteger(id) || (id as number) < 0)
  ) {
    throw new DisbackError(`${path}: every token of a vocabulary needs a whole number`);
  }
  return vocab as Record<string, number>;
}

/** Pairs to merge, most frequent first; a first line with "#version" is skipped. */
function readMerges(path: string): [string, string][] {
  const lines = readFileSync(path, "utf8").split("\n");
  const pairs = lines.slice(lines[0]?.startsWith("#version") ? 1 : 0).filter((line) => line.trim() !== "");
  return pairs.map((line, index) => {
    const parts = line.trimEnd().split(" ");
    if (parts.length !== 2) throw new DisbackError(`${path}: pair ${index + 1} is "${line}", not two tokens`);
    return parts as [string, string];
  });
}
