import { cat, inferenceMode, type ProcessGroup, scope, type Tensor, zeros } from "@disback/torch";

/** Options of processes that evaluate together. */
export interface SharedBatchesOptions {
  group: ProcessGroup;
  /** Returns the next `n` samples `[n, ...]`. */
  generate: (count: number) => Tensor;
  /** Skips the next `n` samples, which another process generates. */
  skip: (count: number) => void;
  /** Total number of samples, and batch size. */
  count: number;
  batchSize: number;
  /** Maps samples to features `[n, F]`. */
  features: (samples: Tensor) => Tensor;
  featureDim: number;
}

/**
 * Processes generate batches in turn, and all of them get the features of all batches, in the order of a single
 * process. So figures do not depend on the number of processes.
 *
 * @param take called with the features of each batch, on the CPU
 */
export function shareBatches(options: SharedBatchesOptions, take: (features: Tensor) => void): void {
  const { group, generate, skip, count, batchSize, features, featureDim } = options;
  for (let start = 0; start < count; start += batchSize * group.size) {
    const sizes = Array.from({ length: group.size }, (_, rank) =>
      Math.max(0, Math.min(batchSize, count - start - rank * batchSize)),
    );
    inferenceMode(() =>
      scope(() => {
        let own: Tensor | undefined;
        for (const [rank, size] of sizes.entries()) {
          if (rank !== group.rank) skip(size);
          else if (size > 0) own = features(generate(size)).cpu().float();
        }
        const gathered = group.allGather(padded(own, batchSize, featureDim));
        for (const [rank, size] of sizes.entries()) if (size > 0) take(gathered[rank]!.narrow(0, 0, size));
      }),
    );
  }
}

/** The same shape in all processes, even without samples. */
function padded(rows: Tensor | undefined, count: number, width: number): Tensor {
  const missing = count - (rows?.shape[0] ?? 0);
  if (!rows) return zeros([missing, width]);
  return missing > 0 ? cat([rows, zeros([missing, width])]) : rows;
}
