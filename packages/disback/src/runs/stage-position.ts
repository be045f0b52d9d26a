import { DisbackError } from "../errors.js";
import type { Checkpoint } from "./checkpoint.js";
import type { MetricsEntry } from "./metrics-log.js";

/** The best a stage has come to so far. */
export interface BestSoFar {
  figure: string;
  value: number;
  iteration: number;
}

/** A training that went wrong and was taken back, as `run.json` and the checkpoints tell it. */
export interface RollBack {
  stage: MetricsEntry["stage"];
  /** Where it was seen to be wrong, and where it went on. */
  iteration: number;
  to: number;
  reason: string;
  /** What the learning rate was multiplied with. */
  factor: number;
}

/** What a checkpoint says beside the state of the work: where a stage stands. */
export interface StagePosition {
  stage: MetricsEntry["stage"];
  seconds: number;
  /** Absent in checkpoints of older versions, as everything below. */
  stepSeconds?: number;
  processorSeconds?: number;
  means: Record<string, [number, number]>;
  /** Last iteration at which an evaluation found nothing wrong. */
  sound?: number;
  /** What `DivergenceWatch` goes by. */
  watch?: unknown;
  rollBack?: RollBack;
  best?: BestSoFar;
}

/** Which stage a checkpoint belongs to and when it was made. */
export function positionOf(checkpoint: Checkpoint): StagePosition {
  const position = checkpoint.state.values.position as StagePosition | undefined;
  if (typeof position?.stage !== "string" || typeof position.seconds !== "number")
    throw new DisbackError(`${checkpoint.path}: holds no position in a run`);
  return position;
}
