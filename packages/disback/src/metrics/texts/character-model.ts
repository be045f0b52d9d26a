/** Characters that a prediction depends on. */
const CONTEXT = 4;

interface Continuations {
  total: number;
  counts: Map<string, number>;
}

/**
 * A model of a text's characters: 5-grams that fall back on shorter ones, interpolated by Witten and Bell's rule (1991),
 *
 *     p(c | h) = (n(h c) + t(h) p(c | h')) / (n(h) + t(h)),
 *
 * where `t(h)` counts the different characters after `h`, and `h'` is `h` without its first character. The empty context falls
 * back on equal chances of all characters of the text and one for all others.
 */
export class CharacterModel {
  private readonly contexts = new Map<string, Continuations>();
  private readonly alphabet: number;

  constructor(text: string) {
    const characters = [...text];
    this.alphabet = new Set(characters).size + 1;
    for (let place = 0; place < characters.length; place++) {
      for (let size = 0; size <= Math.min(CONTEXT, place); size++)
        this.count(characters.slice(place - size, place).join(""), characters[place]!);
    }
  }

  /** Sum of `-ln p` over a text's characters. */
  surprise(characters: readonly string[]): number {
    let sum = 0;
    for (const [place, character] of characters.entries()) {
      const context = characters.slice(Math.max(0, place - CONTEXT), place);
      sum -= Math.log(this.probability(character, context));
    }
    return sum;
  }

  private probability(character: string, context: readonly string[]): number {
    let probability = 1 / this.alphabet;
    for (let size = 0; size <= context.length; size++) {
      const found = this.contexts.get(context.slice(context.length - size).join(""));
      if (!found) break;
      const { total, counts } = found;
      probability = ((counts.get(character) ?? 0) + counts.size * probability) / (total + counts.size);
    }
    return probability;
  }

  private count(context: string, character: string): void {
    let found = this.contexts.get(context);
    if (!found) {
      found = { total: 0, counts: new Map() };
      this.contexts.set(context, found);
    }
    found.total++;
    found.counts.set(character, (found.counts.get(character) ?? 0) + 1);
  }
}
