import type { Share, State } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Batch, type Dataset, toBatch } from "./dataset.js";
import { EpochOrder, type OrderPosition } from "./epoch-order.js";
import type { SampleArrays } from "./samples.js";

/** Options of a `DataLoader`. */
export interface DataLoaderOptions {
  /** samples per batch, at least 1 */
  batchSize: number;
  /** seed of the order, any integer; default 0 */
  seed?: number | bigint;
  /** a new order every epoch (default true), or 0, 1, 2, … each time */
  shuffle?: boolean;
  /** the part of every batch that is read here, default all of it; the batch size is a multiple of its count */
  share?: Share;
}

/**
 * An endless stream of batches. While one is used, the next is read, decoded and scaled. It becomes tensors only on
 * request, so that the caller's tensor scope never holds another batch.
 */
export class DataLoader {
  private readonly order: EpochOrder;
  private readonly batchSize: number;
  private readonly share: Share;
  private consumed: OrderPosition;
  /** simultaneous requests are served one after the other */
  private turn: Promise<unknown> = Promise.resolve();
  private ahead: { arrays: Promise<SampleArrays>; after: OrderPosition } | undefined;

  /** @throws DisbackError if the batch size is not a whole number from 1 */
  constructor(
    private readonly dataset: Dataset,
    { batchSize, seed = 0, shuffle = true, share = { index: 0, count: 1 } }: DataLoaderOptions,
  ) {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new DisbackError(`batchSize must be a whole number from 1, not ${batchSize}`);
    this.batchSize = batchSize;
    this.share = share;
    this.order = new EpochOrder(dataset.length, seed, shuffle);
    this.consumed = this.order.position();
  }

  /**
   * The next batch.
   * @throws DisbackError naming a broken image file; the next call tries the same batch again
   */
  next(): Promise<Batch> {
    const batch = this.turn.then(() => this.advance());
    this.turn = batch.catch(() => {});
    return batch;
  }

  /** The exact position. A batch that was only read ahead does not count. */
  state(): State {
    return { tensors: new Map(), values: { ...this.consumed } };
  }

  /**
   * Continues where `state` was taken, with its seed; the batch size may differ.
   * @throws DisbackError if the state was taken from a dataset of another length
   */
  loadState(state: State): void {
    this.order.restore(state.values as unknown as OrderPosition);
    this.ahead = undefined;
    this.consumed = this.order.position();
  }

  private async advance(): Promise<Batch> {
    const current = this.ahead ?? this.readAhead();
    this.ahead = undefined;
    let arrays: SampleArrays;
    try {
      arrays = await current.arrays;
    } catch (error) {
      this.order.restore(this.consumed);
      throw error;
    }
    this.consumed = current.after;
    this.ahead = this.readAhead();
    return toBatch(arrays, this.dataset);
  }

  private readAhead(): { arrays: Promise<SampleArrays>; after: OrderPosition } {
    const rows = this.batchSize / this.share.count;
    const chosen = this.order.take(this.batchSize);
    const arrays = this.dataset.read(chosen.subarray(this.share.index * rows, (this.share.index + 1) * rows));
    // The `next` that waits for it reports its failure, which must not count as unhandled until then.
    arrays.catch(() => {});
    return { arrays, after: this.order.position() };
  }
}
