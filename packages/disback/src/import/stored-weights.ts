import type { StoredTensor } from "./checkpoint/stored-tensor.js";

/** Weights by key, of which nothing has been read yet. */
export interface StoredWeights {
  /** in words: what kind of file they are in */
  format: string;
  tensors: ReadonlyMap<string, StoredTensor>;
  /** Ends the reading. */
  close(): void;
}
