import { type Generator, scope, stack, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { narrowRows, type Rows } from "../models/condition.js";

/** A part of a batch that is computed at once. */
export interface BatchPart {
  /** samples in it */
  readonly count: number;
  /** draws for the whole batch and keeps the part's rows */
  readonly random: Generator;
  /** The part's rows of a tensor for all samples, `[N, ...]`. */
  rows<R extends Rows>(whole: R): R;
}

/** How a batch is split. */
export interface MicroBatchOptions {
  /** samples of this process's batch */
  batchSize: number;
  /** largest number of samples computed at once; default the whole batch */
  microBatch?: number | undefined;
  /** source of the batch's random numbers */
  random: Generator;
}

/**
 * Computes a batch in parts of equal size, one after the other: less memory, the same update. Each part rewinds the
 * random stream to the start of the batch, draws for the whole batch and keeps its own rows, as processes that share a
 * batch do. Losses are means over samples, so gradients and figures are the means over the parts.
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
   * Goes through the batch once. Tensors that `work` creates are released after each part. At the end the stream is
   * where it would be after the whole batch.
   *
   * @param work returns means over the part's samples, tensors `[]`
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
 * The number of parts of a process's batch. @throws DisbackError if they would not be equal
 */
export function partsOf(batchSize: number, microBatch = batchSize): number {
  const parts = Math.max(1, batchSize / microBatch);
  if (Number.isInteger(parts)) return parts;
  throw new DisbackError(
    `"microBatch": a process's batch of ${batchSize} cannot be split into equal parts of ${microBatch}`,
  );
}

/** The same stream, keeping a part of the rows that the given one keeps. */
function partOf(whole: Generator, index: number, count: number): Generator {
  const { share } = whole;
  return whole.sharing({ index: share.index * count + index, count: share.count * count });
}

function detached<Names extends string>(figures: Record<Names, Tensor>): Record<Names, Tensor> {
  const entries = Object.entries<Tensor>(figures).map(([name, figure]) => [name, figure.detach()]);
  return Object.fromEntries(entries) as Record<Names, Tensor>;
}
