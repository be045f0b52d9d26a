import { DisbackError } from "../errors.js";
import { RandomStream } from "./random.js";

/** The position of a stream of sample numbers: plain JSON. */
export interface OrderPosition {
  length: number;
  seed: string;
  shuffle: boolean;
  /** current epoch, from 0 */
  epoch: number;
  /** number of samples of this epoch already given */
  offset: number;
}

/**
 * An endless stream of sample numbers: every epoch has each sample once, in an order that depends only on seed and
 * epoch. A batch at the end of an epoch continues in the next one, so no sample is skipped.
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
   * Continues exactly where `position` was taken, with its seed. @throws DisbackError if it belongs to a dataset of
   * another length, or is invalid
   */
  restore(position: OrderPosition): void {
    const { length, seed, shuffle, epoch, offset } = position;
    const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!/^-?\d+$/.test(seed) || typeof shuffle !== "boolean" || !isCount(epoch) || !isCount(offset))
      throw new DisbackError("the saved position in the data is damaged");
    if (length !== this.length)
      throw new DisbackError(
        `the saved position belongs to ${length} samples, but this dataset has ${this.length}`,
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
