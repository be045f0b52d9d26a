import type { StoredTensor } from "./checkpoint/stored-tensor.js";

/** Weights by key, not read yet. */
export interface StoredWeights {
  /** kind of file */
  format: string;
  tensors: ReadonlyMap<string, StoredTensor>;
  /** Closes the file. */
  close(): void;
}
