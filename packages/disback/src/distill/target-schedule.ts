import { DisbackError } from "../errors.js";
import { defaults } from "./defaults.js";

const { mismatchThreshold, stepsPerTarget } = defaults.backtracking;

/** What a schedule bases its decision on. */
export interface TargetProgress {
  /** steps made towards the current target, including this one */
  steps: number;
  /** mismatch degree of the last step */
  mismatch: number;
  /** root mean square of the difference between auxiliary model and target in the last step */
  gap: number;
}

/** Decides when to move to the next target. */
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
  /** largest number of steps per target; default 20 */
  maximumSteps?: number;
}

/**
 * A target is reached when it fits the student's samples about as well as the auxiliary model does. A target that the
 * student has already passed costs one step. Our own.
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
