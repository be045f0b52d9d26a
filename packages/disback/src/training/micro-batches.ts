import { type Generator, scope, stack, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { narrowRows, type Rows } from "../models/condition.js";

/** A part of a batch: what goes through the networks at once. */
export interface BatchPart {
  /** samples in it */
  readonly count: number;
  /** draws the part's rows of what is drawn for the whole batch */
  readonly random: Generator;
  /** The part's rows of what there is for all samples, `[N, ...]`. */
  rows<R extends Rows>(whole: R): R;
}

/** How a batch is split. */
export interface MicroBatchOptions {
  /** samples of this process's batch */
  batchSize: number;
  /** samples that go through the networks at once, at most; default the whole batch */
  microBatch?: number | undefined;
  /** what the batch's numbers are drawn from */
  random: Generator;
}

/**
 * A batch that goes through the networks in parts of equal size, one after the other: less memory, the same update. For
 * each part the stream of random numbers is put back to where the batch began, and of what is drawn for the whole batch
 * the part's rows are kept, as processes that share a batch do it. Losses are means over samples, so that gradients and
 * figures are the means of the parts'.
 */
export class MicroBatches {
  /** samples of this process's batch */
  readonly batchSize: number;
  readonly parts: readonly BatchPart[];
  private readonly random: Generator;

  constructor({ batchSize, microBatch, random }: MicroBatchOptions) {
    const parts = partsOf(batchSize, microBatch);
    const count = batchSize / parts;
    this.batchSize = batchSize;
    this.random = random;
    this.parts = Array.from({ length: parts }, (_, index) => ({
      count,
      random: parts === 1 ? random : partOf(random, index, parts),
      rows: (whole) => (parts === 1 ? whole : narrowRows(whole, index * count, count)),
    }));
  }

  /**
   * Goes through the batch once. What `work` creates is released after each part; afterwards the stream stands where it
   * would after the whole batch.
   *
   * @param work @returns means over the part's samples, tensors `[]`
   * @returns means over the batch
   */
  mean<Names extends string>(work: (part: BatchPart) => Record<Names, Tensor>): Record<Names, Tensor> {
    const [first, ...others] = this.parts;
    if (others.length === 0) return scope(() => work(first!));
    const start = this.random.getState();
    const all = this.parts.map((part) => {
      this.random.setState(start);
      return scope(() => detached(work(part)));
    });
    const names = Object.keys(all[0]!) as Names[];
    const means = names.map((name) => [name, stack(all.map((figures) => figures[name])).mean()]);
    return Object.fromEntries(means) as Record<Names, Tensor>;
  }
}

/**
 * Parts that a process's batch is split into.
 * @throws DisbackError if they would not be equal
 */
export function partsOf(batchSize: number, microBatch = batchSize): number {
  const parts = Math.max(1, batchSize / microBatch);
  if (Number.isInteger(parts)) return parts;
  throw new DisbackError(
    `"microBatch": a process's batch of ${batchSize} cannot be split into equal parts of ${microBatch}`,
  );
}

/** The same stream, of which a part of the rows is kept that are kept of the whole one. */
function partOf(whole: Generator, index: number, count: number): Generator {
  const { share } = whole;
  return whole.sharing({ index: share.index * count + index, count: share.count * count });
}

function detached<Names extends string>(figures: Record<Names, Tensor>): Record<Names, Tensor> {
  const entries = Object.entries<Tensor>(figures).map(([name, figure]) => [name, figure.detach()]);
  return Object.fromEntries(entries) as Record<Names, Tensor>;
}
