import { DisbackError } from "../../errors.js";
import type { TextTokenizer } from "../../text/tokenizers/text-tokenizer.js";

/**
 * Checks that an encoder has a vector for every token.
 * @param tokens of the encoder @param folder of the tokenizer
 * @throws DisbackError naming the tokenizer, which belongs to another encoder
 */
export function requireVocabulary(tokenizer: TextTokenizer, tokens: number, folder: string): void {
  if (tokenizer.size > tokens)
    throw new DisbackError(
      `${folder}: this tokenizer has ${tokenizer.size} tokens, the text encoder knows ${tokens}: it belongs to another encoder`,
    );
}
