import { CapturedStep, type Device, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { MicroBatches } from "./micro-batches.js";
import type { Processes } from "./processes.js";

export interface TrainingStepOptions {
  /** whether steps are recorded and replayed, see `CapturedStep`; default false */
  graphs?: boolean | undefined;
  device: Device;
  batch: MicroBatches;
  processes: Processes;
}

/** @throws DisbackError if steps of batches in so many parts, in these processes, cannot be recorded, saying why */
export function requireRecordable(parts: number, processes: Processes): void {
  if (processes.size > 1)
    throw new DisbackError(
      `"cudaGraphs": ${processes.size} processes average gradients outside of a graph; use one process, or no graphs`,
    );
  if (parts > 1)
    throw new DisbackError(
      `"cudaGraphs": a batch in ${parts} parts cannot be recorded; leave "microBatch" or the graphs out`,
    );
}

/** How a training makes its steps: plainly, or from a recording. What a step does and tells is the same. */
export class TrainingStep<Names extends string> {
  private readonly recorded: CapturedStep<Names> | undefined;

  /** @throws DisbackError if such steps cannot be recorded, saying why */
  constructor({ graphs = false, device, batch, processes }: TrainingStepOptions) {
    if (!graphs) return;
    requireRecordable(batch.parts.length, processes);
    this.recorded = new CapturedStep(device);
  }

  /**
   * Makes one step.
   * @param circumstances what `step` depends on beside the values of tensors, such as learning rates
   * @param step reads no value of a tensor, and changes nothing but tensors
   */
  run(
    circumstances: readonly unknown[],
    step: () => Record<Names, Tensor | number>,
  ): Record<Names, Tensor | number> {
    return this.recorded ? this.recorded.run(circumstances, step) : step();
  }

  /** Releases the recordings. */
  dispose(): void {
    this.recorded?.dispose();
  }
}
