import { DisbackError } from "../errors.js";
import type { Checkpoint } from "./checkpoint.js";
import type { MetricsEntry } from "./metrics-log.js";
import type { Figures } from "./progress.js";

/** The best result of a stage so far. */
export interface BestSoFar {
  figure: string;
  value: number;
  iteration: number;
}

/** A roll-back, as stored in `run.json` and in checkpoints. */
export interface RollBack {
  stage: MetricsEntry["stage"];
  /** The iteration where divergence was detected, and where training resumed. */
  iteration: number;
  to: number;
  reason: string;
  /** Factor of the learning rate. */
  factor: number;
}

/** The position of a stage, which a checkpoint stores besides the state of the work. */
export interface StagePosition {
  stage: MetricsEntry["stage"];
  seconds: number;
  /** Absent in checkpoints of older versions, like everything below. */
  stepSeconds?: number;
  processorSeconds?: number;
  means: Record<string, [number, number]>;
  /** Last iteration at which an evaluation found nothing wrong. */
  sound?: number;
  /** The state of `DivergenceWatch`. */
  watch?: unknown;
  rollBack?: RollBack;
  best?: BestSoFar;
  /** The run was stopped before this iteration's evaluation was done: the last step's figures that are no means. */
  evaluationDue?: { positions: Figures };
}

/** Which stage a checkpoint belongs to and when it was made. */
export function positionOf(checkpoint: Checkpoint): StagePosition {
  const position = checkpoint.state.values.position as StagePosition | undefined;
  if (typeof position?.stage !== "string" || typeof position.seconds !== "number")
    throw new DisbackError(`${checkpoint.path}: holds no position in a run`);
  return position;
}
