import { DisbackError } from "../errors.js";

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
