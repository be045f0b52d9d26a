import { wordsOf } from "@disback/generate/core";
import { DisbackError } from "../errors.js";

/**
 * Pieces of words for a text's language, by byte-pair encoding (Sennrich et al. 2016, algorithm 1): single characters
 * first, then again and again the most frequent pair of neighbours as a new piece.
 * @param texts such as the captions of a data set
 * @param size most pieces, single characters included
 * @returns pieces as `readPrompt` takes them
 * @throws DisbackError if there is no word in the texts
 */
export function learnVocabulary(texts: readonly string[], size: number): string[] {
  const counts = new Map<string, number>();
  for (const word of texts.flatMap(wordsOf)) counts.set(word, (counts.get(word) ?? 0) + 1);
  if (counts.size === 0) throw new DisbackError("captions: there is no word in them");
  const words = [...counts].map(([word, count]) => {
    const pieces = [...word].map((character, place) => (place === 0 ? character : `##${character}`));
    return { pieces, count };
  });
  const vocabulary = new Set(words.flatMap(({ pieces }) => pieces).sort());
  while (vocabulary.size < size) {
    const best = mostFrequentPair(words);
    if (!best) break;
    const [left, right] = best;
    const joined = left + right.slice(2);
    vocabulary.add(joined);
    for (const word of words) word.pieces = join(word.pieces, left, right, joined);
  }
  return [...vocabulary];
}

type CountedWord = { pieces: string[]; count: number };

/** Of equally frequent pairs the first; none if every word is one piece. */
function mostFrequentPair(words: readonly CountedWord[]): [string, string] | undefined {
  const pairs = new Map<string, number>();
  let best: string | undefined;
  let most = 0;
  for (const { pieces, count } of words) {
    for (let place = 1; place < pieces.length; place++) {
      const pair = `${pieces[place - 1]} ${pieces[place]}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + count);
    }
  }
  for (const [pair, count] of pairs) {
    if (count > most) [best, most] = [pair, count];
  }
  return best?.split(" ") as [string, string] | undefined;
}

function join(pieces: readonly string[], left: string, right: string, joined: string): string[] {
  const result: string[] = [];
  for (const piece of pieces) {
    if (piece === right && result.at(-1) === left) result[result.length - 1] = joined;
    else result.push(piece);
  }
  return result;
}
