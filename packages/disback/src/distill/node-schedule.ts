import { DisbackError } from "../errors.js";

/**
 * The paper's schedule: a node every `interval` steps, and at the last step.
 * @returns the steps after which a node is saved, ascending
 */
export function evenSteps(steps: number, interval: number): number[] {
  const saved: number[] = [];
  for (let step = interval; step < steps; step += interval) saved.push(step);
  return [...saved, steps];
}

/** Checks a list of steps given by the user. @throws DisbackError unless ascending whole numbers in 1..steps */
export function requireNodeSteps(nodeSteps: readonly number[], steps: number): void {
  const ascending = nodeSteps.every(
    (step, i) => Number.isInteger(step) && step > (nodeSteps[i - 1] ?? 0) && step <= steps,
  );
  if (!ascending || nodeSteps.length === 0)
    throw new DisbackError(`recording: "nodes" must be ascending whole numbers from 1 to steps (${steps})`);
}
