import { DisbackError } from "../errors.js";
import { defaults } from "./defaults.js";

const { mismatchThreshold, stepsPerTarget } = defaults.backtracking;

/** What is known when it is decided whether the student has reached its target. */
export interface TargetProgress {
  /** steps made towards the current target, this one included */
  steps: number;
  /** mismatch degree of the last step */
  mismatch: number;
  /** root mean square of the difference between auxiliary model and target in the last step */
  gap: number;
}

/** Decides when the next target's turn comes. */
export interface TargetSchedule {
  reached(progress: TargetProgress): boolean;
}

/** The paper's schedule: a fixed number of student steps on each target. */
export class StepsPerTarget implements TargetSchedule {
  constructor(readonly steps: number) {
    if (!Number.isInteger(steps) || steps < 1)
      throw new DisbackError(`backtracking: "stepsPerTarget" must be a whole number from 1, not ${steps}`);
  }

  reached({ steps }: TargetProgress): boolean {
    return steps >= this.steps;
  }
}

export interface MismatchReachedOptions {
  /** the target is reached when its mismatch degree is at most this, > 1; default 1.1 */
  threshold?: number;
  /** steps after which the next target's turn comes in any case; default 20 */
  maximumSteps?: number;
}

/**
 * The student has reached a target when the target fits its samples about as well as the auxiliary model does. Targets
 * it has passed already cost one step each. Ours.
 */
export class MismatchReached implements TargetSchedule {
  private readonly threshold: number;
  private readonly maximumSteps: number;

  constructor({ threshold = mismatchThreshold, maximumSteps = stepsPerTarget }: MismatchReachedOptions = {}) {
    if (!(threshold > 1))
      throw new DisbackError(`backtracking: "mismatchThreshold" must be greater than 1, not ${threshold}`);
    this.threshold = threshold;
    this.maximumSteps = maximumSteps;
  }

  reached({ steps, mismatch }: TargetProgress): boolean {
    return mismatch <= this.threshold || steps >= this.maximumSteps;
  }
}
