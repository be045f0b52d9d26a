import { type Device, fromTypedArray } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { PromptRows } from "../prompt-rows.js";
import type { Language } from "./language.js";

/**
 * Beginnings of texts that a language model continues, as its condition `tokens`: counted from 1, zeros behind the end.
 * @throws DisbackError naming letters that the language lacks, or if a prompt is empty
 */
export function languagePrompts(texts: readonly string[], language: Language): PromptRows {
  const rows = texts.map((text) => {
    const tokens = language.encode(text);
    if (tokens.length === 0) throw new DisbackError("prompt: is empty");
    return tokens;
  });
  const longest = Math.max(...rows.map(({ length }) => length));
  return {
    texts,
    unread: [],
    conditions(places, device: Device) {
      const numbers = new BigInt64Array(places.length * longest);
      for (const [row, place] of places.entries())
        for (const [column, token] of rows[place]!.entries())
          numbers[row * longest + column] = BigInt(token + 1);
      return { tokens: fromTypedArray(numbers, [places.length, longest], { device }) };
    },
  };
}
