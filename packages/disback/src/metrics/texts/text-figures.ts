import { CharacterModel } from "./character-model.js";

/** Figures of texts, compared with a reference text. */
export interface TextFigures {
  /**
   * Jensen-Shannon divergence between the frequencies of three characters in a row, in bits, from 0 to 1. Bad texts and
   * repeated ones both raise it.
   */
  trigramDivergence: number;
  /** perplexity per character under a model of the reference's 5-grams; repeated texts may have a low one */
  textPerplexity: number;
  /** fraction of the words that occur in the reference; absent if it has no words */
  validWords?: number;
  /** fraction of the pairs of neighbouring words that are different ones; absent without words */
  distinctPairs?: number;
}

/** Characters of the reference that its model is made of; more make it slow and hardly better. */
const MODELLED = 500_000;
/** Texts without spaces have no words. */
const FEWEST_SPACES = 0.02;

/** A text that others are compared with. */
export class TextReference {
  private readonly model: CharacterModel;
  private readonly words: ReadonlySet<string> | undefined;
  private readonly trigrams: Frequencies;

  constructor(text: string) {
    const even = text.replace(/\s+/g, " ");
    const seen = even.slice(0, MODELLED);
    this.model = new CharacterModel(seen);
    this.trigrams = new Frequencies();
    this.trigrams.add([...seen]);
    const spaces = seen.split(" ").length - 1;
    this.words = spaces < FEWEST_SPACES * seen.length ? undefined : new Set(wordsOf(even));
  }

  /** Compares texts with it. @param texts at least one that is not empty */
  compare(texts: readonly string[]): TextFigures {
    const trigrams = new Frequencies();
    const pairs = new Set<string>();
    const totals = { surprise: 0, characters: 0, words: 0, valid: 0, pairs: 0 };
    for (const text of texts) {
      const characters = [...text.replace(/\s+/g, " ")];
      trigrams.add(characters);
      totals.surprise += this.model.surprise(characters);
      totals.characters += characters.length;
      if (!this.words) continue;
      // The first and the last word of a sample may be cut.
      const words = wordsOf(characters.join("")).slice(1, -1);
      totals.words += words.length;
      for (const [place, word] of words.entries()) {
        if (this.words.has(word)) totals.valid++;
        if (place === 0) continue;
        totals.pairs++;
        pairs.add(`${words[place - 1]} ${word}`);
      }
    }
    return {
      trigramDivergence: divergence(trigrams, this.trigrams),
      textPerplexity: Math.exp(totals.surprise / Math.max(1, totals.characters)),
      ...(this.words ? { validWords: totals.words > 0 ? totals.valid / totals.words : 0 } : {}),
      ...(this.words ? { distinctPairs: totals.pairs > 0 ? pairs.size / totals.pairs : 0 } : {}),
    };
  }
}

/** What stands between spaces, without marks around it. */
function wordsOf(text: string): string[] {
  return text.split(" ").flatMap((word) => {
    const bare = word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "").toLowerCase();
    return bare === "" ? [] : [bare];
  });
}

/** How often three characters follow one another. */
class Frequencies {
  readonly counts = new Map<string, number>();
  total = 0;

  add(characters: readonly string[]): void {
    for (let place = 2; place < characters.length; place++) {
      const three = `${characters[place - 2]}${characters[place - 1]}${characters[place]}`;
      this.counts.set(three, (this.counts.get(three) ?? 0) + 1);
      this.total++;
    }
  }
}

/** Jensen-Shannon divergence in bits (Lin 1991, eq. 4.1). */
function divergence(a: Frequencies, b: Frequencies): number {
  const half = (counts: Frequencies, other: Frequencies) => {
    let sum = 0;
    for (const [three, count] of counts.counts) {
      const p = count / counts.total;
      const q = (other.counts.get(three) ?? 0) / Math.max(1, other.total);
      sum += p * Math.log2((2 * p) / (p + q));
    }
    return sum / 2;
  };
  return a.total === 0 ? 1 : half(a, b) + half(b, a);
}
