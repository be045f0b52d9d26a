import { CapturedStep, type Device, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Processes } from "./processes.js";

export interface StepRunnerOptions {
  /** whether steps are captured and replayed, see `CapturedStep` */
  capture: boolean;
  device: Device;
  /** parts that a process's batch is split into */
  parts: number;
  processes: Processes;
}

/**
 * @param name of the option or setting that asks for it, for the message
 * @throws DisbackError if steps of batches in so many parts, in these processes, cannot be captured, saying why
 */
export function requireCapturable(parts: number, processes: Processes, name = "capture"): void {
  if (processes.size > 1)
    throw new DisbackError(
      `"${name}": ${processes.size} processes average gradients outside of a captured step; use one process, or do not capture`,
    );
  if (parts > 1)
    throw new DisbackError(
      `"${name}": a batch in ${parts} parts cannot be captured; leave "microBatch" or "${name}" out`,
    );
}

/** How a training makes its steps: plainly, or by replaying a captured one. What a step does and tells is the same. */
export class StepRunner<Figure extends string> {
  private readonly captured: CapturedStep<Figure> | undefined;

  /** @throws DisbackError if such steps cannot be captured, saying why */
  constructor({ capture, device, parts, processes }: StepRunnerOptions) {
    if (!capture) return;
    requireCapturable(parts, processes);
    this.captured = new CapturedStep(device);
  }

  /**
   * Makes one step.
   * @param circumstances what `step` depends on beside the values of tensors, such as learning rates
   * @param step reads no value of a tensor, and changes nothing but tensors
   */
  run(
    circumstances: readonly unknown[],
    step: () => Record<Figure, Tensor | number>,
  ): Record<Figure, Tensor | number> {
    return this.captured ? this.captured.run(circumstances, step) : step();
  }

  /** Releases what was captured. */
  dispose(): void {
    this.captured?.dispose();
  }
}
