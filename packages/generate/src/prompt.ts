import { GenerateError } from "./errors.js";

/** What a model with prompts knows of language. */
export interface PromptReader {
  /** pieces of words that the model knows; those that continue a word begin with `##`, as in BERT's vocabularies */
  vocabulary: readonly string[];
  /** the most pieces of a prompt that it reads */
  textLength: number;
}

/** A prompt as a model reads it. */
export interface ReadPrompt {
  /** `[textLength]`: places in the vocabulary, counted from 1; 0 behind the text's end */
  tokens: number[];
  /** pieces that are not read, because the prompt is too long */
  left: number;
  /** words of which the model knows no piece, without repeats */
  unknown: string[];
}

/** What continues a word. */
const inside = "##";

/** Longer prompts are not looked at, whatever a model reads of them. */
const longest = 1_000_000;

/**
 * Words of a text in lower case, without accents and punctuation.
 * @returns words of letters and digits, in any script
 */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "");
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Reads a prompt as WordPiece does (Schuster and Nakajima 2012): the longest known piece first, then the next one.
 * Characters that no piece has are left out.
 * @throws GenerateError if there is nothing in the prompt that the model knows
 */
export function readPrompt(prompt: string, { vocabulary, textLength }: PromptReader): ReadPrompt {
  if (prompt.trim() === "") throw new GenerateError("prompt: is empty");
  if (prompt.length > longest)
    throw new GenerateError(`prompt: ${prompt.length} characters are more than ${longest}`);
  const places = placesOf(vocabulary);
  const all: number[] = [];
  const unknown = new Set<string>();
  for (const word of wordsOf(prompt)) {
    const pieces = piecesOf(word, places);
    if (pieces.length === 0) unknown.add(word);
    all.push(...pieces);
  }
  if (all.length === 0)
    throw new GenerateError(
      `prompt: this model knows nothing in "${beginning(prompt)}": it reads English words`,
    );
  const tokens = all.slice(0, textLength);
  const left = all.length - tokens.length;
  while (tokens.length < textLength) tokens.push(0);
  return { tokens, left, unknown: [...unknown] };
}

/** What of a prompt is not read, in one line each; none if all is. */
export function describeUnread({ left, unknown }: ReadPrompt, textLength: number): string[] {
  const lines: string[] = [];
  if (unknown.length > 0)
    lines.push(
      `prompt: this model knows nothing of ${unknown
        .slice(0, 3)
        .map((word) => `"${beginning(word)}"`)
        .join(", ")}`,
    );
  if (left > 0)
    lines.push(`prompt: only its first ${textLength} pieces of words are read, not the ${left} behind`);
  return lines;
}

/** Places of the longest pieces from left to right. */
function piecesOf(word: string, places: ReadonlyMap<string, number>): number[] {
  const characters = [...word];
  const pieces: number[] = [];
  for (let start = 0; start < characters.length; ) {
    const prefix = pieces.length > 0 || start > 0 ? inside : "";
    let end = Math.min(characters.length, start + longestPiece);
    let place: number | undefined;
    for (; end > start; end--) {
      place = places.get(prefix + characters.slice(start, end).join(""));
      if (place !== undefined) break;
    }
    if (place === undefined) {
      start++;
      continue;
    }
    pieces.push(place + 1);
    start = end;
  }
  return pieces;
}

const longestPiece = 32;

const known = new WeakMap<readonly string[], Map<string, number>>();

function placesOf(vocabulary: readonly string[]): Map<string, number> {
  let places = known.get(vocabulary);
  if (!places) {
    places = new Map(vocabulary.map((piece, place) => [piece, place]));
    known.set(vocabulary, places);
  }
  return places;
}

function beginning(text: string): string {
  const characters = [...text];
  return characters.length <= 40 ? text : `${characters.slice(0, 40).join("")}…`;
}
