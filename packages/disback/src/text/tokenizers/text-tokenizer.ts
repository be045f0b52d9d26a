import { fromTypedArray, type Tensor } from "@disback/torch";
import { Tokenizer } from "@huggingface/tokenizers";
import { type Inexact, makeExact } from "./exact.js";

/** Texts as tokens, all of one length. */
export interface Tokens {
  /** int64 `[N, L]` */
  ids: Tensor;
  /** int64 `[N, L]`, 1 for tokens, 0 for padding */
  mask: Tensor;
  /** indices of the texts that were cut */
  cut: number[];
}

/** What a tokenizer needs besides its `tokenizer.json`. */
export interface TextTokenizerOptions {
  /** longest text in tokens, special ones included; Infinity for no limit */
  longest: number;
  /** what fills shorter texts */
  padding: string;
}

/** The used part of the library's class. Its own types do not resolve under Node's rules. */
interface Encoder extends Inexact {
  encode(text: string, options?: { add_special_tokens: boolean }): { ids: number[] };
  token_to_id(token: string): number | undefined;
}

/** Converts texts to a text encoder's tokens, as transformers' tokenizers do. */
export class TextTokenizer {
  readonly longest: number;
  /** id of the padding token */
  readonly paddingId: number;
  /** how many ids there are: the largest and one */
  readonly size: number;
  private readonly tokenizer: Encoder;
  private readonly before: readonly number[];
  private readonly after: readonly number[];

  /** @param json as of `tokenizer.json` @throws Error if a part of it is unknown or the padding token is missing */
  constructor(json: object, { longest, padding }: TextTokenizerOptions) {
    this.tokenizer = new Tokenizer(json, {}) as Encoder;
    makeExact(this.tokenizer, json);
    this.longest = longest;
    this.size = 1 + largestId(json as VocabularyJson);
    const paddingId = this.tokenizer.token_to_id(padding);
    if (paddingId === undefined) throw new Error(`the padding token "${padding}" is not in the vocabulary`);
    this.paddingId = paddingId;
    [this.before, this.after] = this.specialTokens();
  }

  /** The tokens of one text, special ones included, cut to `longest`. */
  ids(text: string, longest = this.longest): number[] {
    const plain = this.tokenizer.encode(text, { add_special_tokens: false }).ids;
    return this.framed(plain, longest);
  }

  /**
   * The tokens of several texts.
   * @param options.length pads to this length and cuts longer texts, also beyond `longest`; default: the longest text's,
   *   at most `longest`
   */
  encode(texts: readonly string[], options: { length?: number } = {}): Tokens {
    const limit = options.length ?? this.longest;
    const plain = texts.map((text) => this.tokenizer.encode(text, { add_special_tokens: false }).ids);
    const rows = plain.map((ids) => this.framed(ids, limit));
    const length = options.length === undefined ? Math.max(0, ...rows.map((row) => row.length)) : limit;
    const ids = new BigInt64Array(rows.length * length).fill(BigInt(this.paddingId));
    const mask = new BigInt64Array(rows.length * length);
    for (const [row, tokens] of rows.entries()) {
      for (const [place, id] of tokens.entries()) {
        ids[row * length + place] = BigInt(id);
        mask[row * length + place] = 1n;
      }
    }
    const shape = [rows.length, length];
    const frame = this.before.length + this.after.length;
    return {
      ids: fromTypedArray(ids, shape),
      mask: fromTypedArray(mask, shape),
      cut: plain.flatMap((tokens, row) => (tokens.length + frame > limit ? [row] : [])),
    };
  }

  private framed(plain: readonly number[], longest: number): number[] {
    const room = Math.max(0, longest - this.before.length - this.after.length);
    return [...this.before, ...plain.slice(0, room), ...this.after];
  }

  /** The special tokens around a text. */
  private specialTokens(): [before: number[], after: number[]] {
    const probe = "a";
    const inner = this.tokenizer.encode(probe, { add_special_tokens: false }).ids;
    const all = this.tokenizer.encode(probe).ids;
    const start = all.findIndex((_, at) => inner.every((id, index) => all[at + index] === id));
    return [all.slice(0, start), all.slice(start + inner.length)];
  }
}

/** The parts of `tokenizer.json` that hold ids. */
interface VocabularyJson {
  /** ids by token, or tokens in the order of their ids */
  model?: { vocab?: Readonly<Record<string, number>> | readonly unknown[] };
  added_tokens?: readonly { id: number }[];
}

function largestId({ model, added_tokens: added = [] }: VocabularyJson): number {
  const vocabulary = model?.vocab ?? [];
  const own: readonly number[] = Array.isArray(vocabulary)
    ? [vocabulary.length - 1]
    : Object.values(vocabulary as Readonly<Record<string, number>>);
  return [...own, ...added.map(({ id }) => id)].reduce((most, id) => Math.max(most, id), -1);
}
