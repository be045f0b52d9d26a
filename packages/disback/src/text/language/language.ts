/** How a model of texts reads and writes them: as numbers of tokens. */
export interface Language {
  /** number V of tokens */
  readonly size: number;
  /** what a text consists of, for messages: "letters" or "tokens" */
  readonly unit: string;
  /** @throws DisbackError naming characters that it does not know */
  encode(text: string): number[];
  /** Tokens as a text, up to the token that ends one. */
  decode(tokens: ArrayLike<number>): string;
  /** Writes into a model's folder what it takes to open this again. */
  save(folder: string): void;
}

/** Line breaks and other white space as one space, for one text a line. */
export function onOneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
