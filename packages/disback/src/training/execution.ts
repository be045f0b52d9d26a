import { DisbackError } from "../errors.js";
import { Processes } from "./processes.js";

/** How a training is carried out, whatever is trained: one value for all of its stages. */
export interface Execution {
  /** decides every random number, a whole number from 0; default 0 */
  seed?: number;
  /** those that train together, default this one alone */
  processes?: Processes;
  /** samples that go through the networks at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /**
   * whether steps are captured once and replayed, see `CapturedStep`: on a GPU as graphs; default false. Not for batches
   * in parts, several processes, or networks that compute activations again
   */
  capture?: boolean;
}

/** An execution with its defaults. @throws DisbackError if the seed is no whole number from 0 */
export function executionOf({ seed = 0, processes, microBatch, capture = false }: Execution = {}) {
  if (!Number.isInteger(seed) || seed < 0)
    throw new DisbackError(`execution: "seed" must be a whole number from 0, not ${seed}`);
  return { seed, processes: processes ?? new Processes(), microBatch, capture };
}

/** @throws DisbackError naming the option unless all are whole numbers from 1 */
export function requireCounts(who: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isInteger(value) || value < 1)
      throw new DisbackError(`${who}: "${name}" must be a whole number from 1, not ${value}`);
  }
}
