import { DisbackError } from "../errors.js";
import { Processes } from "./processes.js";

/** How a training is executed: one value for all of its stages. */
export interface Execution {
  /** seed of all random numbers, a whole number from 0; default 0 */
  seed?: number;
  /** the processes that train together, default this one alone */
  processes?: Processes;
  /** largest number of samples computed at once in each process; default the whole batch */
  microBatch?: number | undefined;
  /**
   * whether steps are captured once and replayed, see `CapturedStep`. Default: on the CPU wherever they can be, on a GPU
   * (as graphs) not. Not possible with batches in parts, several processes, or networks that recompute activations
   */
  capture?: boolean;
}

/** Fills in the defaults. @throws DisbackError if the seed is no whole number from 0 */
export function executionOf({ seed = 0, processes, microBatch, capture }: Execution = {}) {
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
