import { CapturedStep, type Device, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Processes } from "./processes.js";

export interface StepRunnerOptions {
  /** whether steps are captured and replayed, see `CapturedStep`; undefined: on the CPU, if they can be */
  capture: boolean | undefined;
  device: Device;
  /** number of parts of a process's batch */
  parts: number;
  processes: Processes;
}

/**
 * @param name name of the option or setting for the message
 * @throws DisbackError saying why, if steps with these parts and processes cannot be captured
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

/** Runs a training's steps, plainly or by replaying a captured step. Results and figures are the same. */
export class StepRunner<Figure extends string> {
  private readonly captured: CapturedStep<Figure> | undefined;

  /** @throws DisbackError if such steps cannot be captured, saying why */
  constructor({ capture, device, parts, processes }: StepRunnerOptions) {
    if (capture) requireCapturable(parts, processes);
    const wherePossible = capture === undefined && device === "cpu" && parts === 1 && processes.size === 1;
    if (capture || wherePossible) this.captured = new CapturedStep(device, { required: capture === true });
  }

  /** Why steps that could have been captured run plainly, such as "read values back (aten::item)". */
  get obstacle(): string | undefined {
    return this.captured?.obstacle;
  }

  /**
   * Makes one step.
   * @param circumstances what `step` depends on besides the values of tensors, such as its target
   * @param step must not read a tensor's value, and must change only tensors
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
