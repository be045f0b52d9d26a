import { DisbackError } from "../errors.js";
import { RandomStream } from "./random.js";

/** Where a stream of sample numbers stands: plain JSON. */
export interface OrderPosition {
  length: number;
  seed: string;
  shuffle: boolean;
  /** passes over the data begun so far, less one */
  epoch: number;
  /** samples of this epoch already given */
  offset: number;
}

/**
 * An endless stream of sample numbers: every epoch has each sample once, in an order that is a function of seed and
 * epoch. A batch that reaches past the end of an epoch goes on in the next one, so no sample is left out.
 */
export class EpochOrder {
  private order: Uint32Array | undefined;
  private epoch = 0;
  private offset = 0;
  private seed: bigint;

  /** @param shuffle false: always 0, 1, 2, … */
  constructor(
    private readonly length: number,
    seed: number | bigint,
    private shuffle: boolean,
  ) {
    this.seed = BigInt(seed);
  }

  /** The next `count` sample numbers. */
  take(count: number): Uint32Array {
    const taken = new Uint32Array(count);
    for (let index = 0; index < count; index++) {
      if (this.offset === this.length) this.startEpoch(this.epoch + 1);
      const order = this.shuffle ? this.permutation() : undefined;
      taken[index] = order ? order[this.offset]! : this.offset;
      this.offset++;
    }
    return taken;
  }

  position(): OrderPosition {
    const { length, shuffle, epoch, offset } = this;
    return { length, seed: `${this.seed}`, shuffle, epoch, offset };
  }

  /**
   * Goes on exactly where `position` was taken, with its seed.
   * @throws DisbackError if it was taken from a dataset of another length, or is none
   */
  restore(position: OrderPosition): void {
    const { length, seed, shuffle, epoch, offset } = position;
    const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!/^-?\d+$/.test(seed) || typeof shuffle !== "boolean" || !isCount(epoch) || !isCount(offset))
      throw new DisbackError("the saved position in the data is damaged");
    if (length !== this.length)
      throw new DisbackError(
        `the saved position is one in ${length} samples, but this dataset has ${this.length}`,
      );
    this.seed = BigInt(seed);
    this.shuffle = shuffle;
    this.startEpoch(epoch);
    this.offset = offset;
  }

  private startEpoch(epoch: number): void {
    this.epoch = epoch;
    this.offset = 0;
    this.order = undefined;
  }

  private permutation(): Uint32Array {
    this.order ??= new RandomStream(this.seed, this.epoch).permutation(this.length);
    return this.order;
  }
}
