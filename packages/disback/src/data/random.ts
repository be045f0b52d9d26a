const MASK = (1n << 64n) - 1n;

/** One step of SplitMix64 (Steele, Lea and Flood 2014): turns related seeds into unrelated words. */
function* splitMix64(seed: bigint): Generator<bigint, never> {
  let state = seed & MASK;
  while (true) {
    state = (state + 0x9e3779b97f4a7c15n) & MASK;
    let word = state;
    word = ((word ^ (word >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    word = ((word ^ (word >> 27n)) * 0x94d049bb133111ebn) & MASK;
    yield word ^ (word >> 31n);
  }
}

const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/**
 * Random numbers for the order of data and for toy points: xoshiro128** (Blackman and Vigna 2018), seeded by
 * SplitMix64. A pair (seed, stream) gives the same numbers on every machine. So an epoch's order depends only on its
 * number, and only the position has to be saved.
 */
export class RandomStream {
  private readonly words = new Int32Array(4);

  /**
   * @param seed any integer; taken modulo 2^64
   * @param stream which of the seed's independent streams, an integer >= 0 (an epoch's number, for example)
   */
  constructor(seed: number | bigint, stream = 0) {
    const base = splitMix64(BigInt(seed)).next().value;
    const words = splitMix64(base ^ BigInt(stream));
    for (let pair = 0; pair < 2; pair++) {
      const word = words.next().value;
      this.words[2 * pair] = Number(word & 0xffffffffn);
      this.words[2 * pair + 1] = Number(word >> 32n);
    }
  }

  /** A uniform integer in [0, 2^32). */
  word(): number {
    const s = this.words;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9);
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return result >>> 0;
  }

  /** A uniform integer in [0, bound), without bias; `bound` at most 2^32. */
  below(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % bound;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Two independent standard normal numbers (Box and Muller 1958). */
  normalPair(): [number, number] {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  /** A uniformly random order of 0 … count-1 (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const moved = order[last]!;
      order[last] = order[other]!;
      order[other] = moved;
    }
    return order;
  }
}
