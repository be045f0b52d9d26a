import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { DisbackError } from "../../errors.js";
import { type Inexact, makeExact } from "../tokenizers/exact.js";
import type { Language } from "./language.js";

/** The used part of the library's class. */
interface Coder extends Inexact {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
}

export interface TokenizerLanguageOptions {
  /** number of tokens that the model knows */
  size: number;
  /** token that ends a text; -1 for none */
  end: number;
}

/** The tokens of a `tokenizer.json`, such as byte pairs. */
export class TokenizerLanguage implements Language {
  readonly unit = "tokens";
  readonly size: number;
  private readonly coder: Coder;
  private readonly end: number;

  /** @param json as of `tokenizer.json` @param origin file name for messages @throws DisbackError if a part is unknown */
  constructor(
    private readonly json: object,
    { size, end }: TokenizerLanguageOptions,
    origin: string,
  ) {
    try {
      this.coder = new Tokenizer(json, {}) as Coder;
      makeExact(this.coder, json);
    } catch (error) {
      throw new DisbackError(`${origin}: cannot be read as a tokenizer: ${(error as Error).message}`);
    }
    this.size = size;
    this.end = end;
  }

  encode(text: string): number[] {
    const { ids } = this.coder.encode(text, { add_special_tokens: false });
    const beyond = ids.find((id) => !(id >= 0 && id < this.size));
    if (beyond !== undefined)
      throw new DisbackError(`text: has a token ${beyond} that the model of ${this.size} does not know`);
    return ids;
  }

  decode(tokens: ArrayLike<number>): string {
    const all = Array.from(tokens);
    const end = all.indexOf(this.end);
    const told = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
    return this.coder.decode(end === -1 ? all : all.slice(0, end), told);
  }

  save(folder: string): void {
    writeFileSync(join(folder, "tokenizer.json"), `${JSON.stringify(this.json)}\n`);
  }
}
