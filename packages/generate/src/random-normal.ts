/** Words of the state of MT19937 (Matsumoto and Nishimura 1998). */
const length = 624;
const shift = 397;

/**
 * Standard normal numbers as libtorch draws them on the CPU from the same seed: so a student gives the same samples
 * with and without libtorch. Uniform numbers of 24 bits come from MT19937, and blocks of 16 become normal ones by Box
 * and Muller's method (libtorch's `normal_fill`).
 */
export class NormalStream {
  private readonly state = new Uint32Array(length);
  private position = length;

  /** @param seed whole number, 0 to 2^53; its lower 32 bits count, as in libtorch */
  constructor(seed: number) {
    this.state[0] = Number(BigInt(seed) & 0xffffffffn);
    for (let i = 1; i < length; i++) {
      const before = this.state[i - 1]!;
      this.state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** @param count at least 16; for fewer, the first of 16 are returned, which differs from libtorch */
  normal(count: number): Float32Array {
    const size = Math.max(count, 16);
    const values = Float32Array.from({ length: size }, () => this.uniform());
    for (let start = 0; start + 16 <= size; start += 16) boxMuller(values, start);
    if (size % 16 !== 0) {
      // The last block is drawn again, so that it ends with the array.
      for (let i = size - 16; i < size; i++) values[i] = this.uniform();
      boxMuller(values, size - 16);
    }
    return values.subarray(0, count);
  }

  /** Uniform in [0, 1), a multiple of 2^-24. */
  private uniform(): number {
    return (this.word() & 0xffffff) / 2 ** 24;
  }

  private word(): number {
    if (this.position === length) this.renew();
    let word = this.state[this.position++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  private renew(): void {
    const { state } = this;
    for (let i = 0; i < length; i++) {
      const next = state[(i + 1) % length]!;
      const mixed = (state[i]! & 0x80000000) | (next & 0x7fffffff);
      state[i] = state[(i + shift) % length]! ^ (mixed >>> 1) ^ (next & 1 ? 0x9908b0df : 0);
    }
    this.position = 0;
  }
}

/** Sixteen uniform numbers become normal ones: eight radii of the first half, eight angles of the second. */
function boxMuller(values: Float32Array, start: number): void {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]!));
    const angle = 2 * Math.PI * values[i + 8]!;
    values[i] = radius * Math.cos(angle);
    values[i + 8] = radius * Math.sin(angle);
  }
}
