import { DisbackError } from "../../errors.js";
import type { Language } from "./language.js";

/** Most different characters in a text that is read letter by letter. */
const mostLetters = 256;

/** Each character is a token. */
export class Letters implements Language {
  readonly unit = "letters";
  private readonly numbers: ReadonlyMap<string, number>;

  /** @param letters each character once */
  constructor(readonly letters: readonly string[]) {
    this.numbers = new Map(letters.map((letter, number) => [letter, number]));
  }

  get size(): number {
    return this.letters.length;
  }

  encode(text: string): number[] {
    return Array.from(text, (letter) => this.numbers.get(letter) ?? this.refuse(text));
  }

  decode(tokens: ArrayLike<number>): string {
    return Array.from(tokens, (token) => this.letters[token] ?? "").join("");
  }

  /** The letters stand in the model's configuration. */
  save(): void {}

  private refuse(text: string): never {
    const unknown = [...new Set(text)].filter((letter) => !this.numbers.has(letter));
    const shown = unknown
      .slice(0, 8)
      .map((letter) => JSON.stringify(letter))
      .join(", ");
    const more = unknown.length > 8 ? ` and ${unknown.length - 8} more` : "";
    throw new DisbackError(
      `text: has ${shown}${more}; this model knows ${JSON.stringify(this.letters.join(""))} only`,
    );
  }
}

/** The different characters of a text, in their order. @throws DisbackError if they are too many for letters */
export function lettersOf(text: string, origin: string): Letters {
  const letters = [...new Set(text)].sort();
  if (letters.length > mostLetters)
    throw new DisbackError(
      `${origin}: has ${letters.length} different characters, more than the ${mostLetters} that letters may be`,
    );
  return new Letters(letters);
}
