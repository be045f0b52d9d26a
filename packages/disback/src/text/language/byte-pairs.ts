import { DisbackError } from "../../errors.js";

/** The token between texts. */
export const END_OF_TEXT = "<|endoftext|>";

/** GPT-2's pattern of a word (Radford et al. 2019, released code). */
const words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/**
 * Learns byte pairs (Sennrich et al. 2016, algorithm 1, on bytes as in GPT-2): the 256 bytes first, then again and again the
 * most frequent pair of neighbours within a word. Of equally frequent pairs the first in the alphabet counts.
 * @param size tokens, with the 256 bytes and the end of a text
 * @returns a `tokenizer.json`, in which the end of a text is token 0
 * @throws DisbackError if `size` is too small
 */
export function learnBytePairs(text: string, size: number): object {
  const bytes = byteLetters();
  if (size <= bytes.length)
    throw new DisbackError(
      `"vocabularySize": ${size} is too small, a text's bytes alone are ${bytes.length + 1}`,
    );
  const pairs = new PairCounts(countWords(text, bytes));
  const tokens = new Set([END_OF_TEXT, ...[...bytes].sort()]);
  const merges: [string, string][] = [];
  while (tokens.size < size) {
    const best = pairs.mostFrequent();
    if (!best) break;
    merges.push(best);
    tokens.add(best[0] + best[1]);
    pairs.merge(best);
  }
  const inOrder = [...tokens];
  return bytePairTokenizer({ tokens: inOrder, merges, special: [inOrder.indexOf(END_OF_TEXT)] });
}

/** How GPT-2 cuts a text into words before its pairs are merged, and puts bytes together again. */
export const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };

/** The parts of a tokenizer of byte pairs. */
export interface BytePairs {
  /** in their order */
  tokens: readonly string[];
  merges: readonly (readonly string[])[];
  /** tokens that stand for no text */
  special: readonly number[];
  /** what cuts a text into words, default `byteLevel` */
  splitter?: object;
}

/** The JSON of a tokenizer, as `tokenizer.json` holds it. */
export function bytePairTokenizer({ tokens, merges, special, splitter = byteLevel }: BytePairs): object {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((id) => ({ id, content: tokens[id], ...flags })),
    normalizer: null,
    pre_tokenizer: splitter,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** GPT-2's letter for each byte: printable ones stand for themselves, the others for letters from U+0100 on. */
export function byteLetters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

interface CountedWord {
  pieces: string[];
  count: number;
}

function countWords(text: string, bytes: readonly string[]): CountedWord[] {
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({
    pieces: Array.from(Buffer.from(word), (byte) => bytes[byte]!),
    count,
  }));
}

/** Counts of neighbours, kept up to date while they are merged. */
class PairCounts {
  private readonly counts = new Map<string, number>();
  private readonly places = new Map<string, Set<CountedWord>>();

  constructor(words: readonly CountedWord[]) {
    for (const word of words) this.count(word, 1);
  }

  mostFrequent(): [string, string] | undefined {
    let best: string | undefined;
    let most = 1;
    for (const [pair, count] of this.counts) {
      if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
    }
    return best?.split(" ") as [string, string] | undefined;
  }

  merge([left, right]: readonly [string, string]): void {
    for (const word of [...(this.places.get(`${left} ${right}`) ?? [])]) {
      this.count(word, -1);
      word.pieces = joined(word.pieces, left, right);
      this.count(word, 1);
    }
  }

  private count(word: CountedWord, sign: 1 | -1): void {
    for (let place = 1; place < word.pieces.length; place++) {
      const pair = `${word.pieces[place - 1]} ${word.pieces[place]}`;
      const count = (this.counts.get(pair) ?? 0) + sign * word.count;
      if (count > 0) this.counts.set(pair, count);
      else this.counts.delete(pair);
      const places = this.places.get(pair) ?? new Set();
      if (sign > 0) places.add(word);
      else places.delete(word);
      this.places.set(pair, places);
    }
  }
}

function joined(pieces: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (const piece of pieces) {
    // A piece that was just made is not the left half of the next.
    if (piece === right && result.at(-1) === left) result[result.length - 1] = `${left}${right}`;
    else result.push(piece);
  }
  return result;
}
