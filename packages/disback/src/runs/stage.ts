import { type StageName, stages } from "@disback/studio/pages";
import type { Device, State } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Processes } from "../training/processes.js";
import type { Interruption } from "./interruption.js";
import type { Rehearsal } from "./plan/rehearsal.js";
import type { Figures, Progress } from "./progress.js";
import type { RunFolder } from "./run-folder.js";
import type { BestSoFar } from "./stage-position.js";
import type { StepTime } from "./step-time.js";

/** Anything that trains in steps and can be saved between them. */
export interface Trainable {
  readonly iteration: number;
  readonly finished: boolean;
  /** Makes one step. @returns figures by name */
  step(): object | Promise<object>;
  state(): State;
  loadState(state: State): void;
  /** Multiplies the learning rates, which are part of the state. Without it, a diverged training cannot roll back. */
  scaleLearningRate?(factor: number): void;
  /** Why steps run plainly that could have been captured. */
  readonly captureObstacle?: string | undefined;
}

/** One stage of a run and its evaluation. */
export interface Stage {
  name: StageName;
  /** Label of the progress; default the stage's own. */
  label?: string;
  work: Trainable;
  /** Largest number of iterations. */
  iterations: number;
  /** Processor seconds of the steps after which the stage ends before that. */
  processorSeconds?: number | undefined;
  /** Time that counts as the steps' own: that of making what they learn from. */
  spent?: StepTime;
  imagesPerIteration: number;
  /** Iterations between evaluations. */
  evaluateEvery: number;
  /**
   * Evaluates the work at its current iteration: figures for `metrics.jsonl`. Must not change the training's random
   * state.
   */
  evaluate?: (iteration: number) => Figures | Promise<Figures>;
  /** Standard deviation of the data, to check the samples' `spread`, for a stage with samples. */
  sigmaData?: number;
  /** One line about what is wrong with the networks; called if a figure is wrong. */
  examine?: () => string;
  /** Saves the model when it is the best so far by the first available of these figures (lower is better). */
  best?: { figures: readonly string[]; keep: (best: BestSoFar) => void };
}

/** Options of all stages of a run. */
export interface RunSession {
  run: RunFolder;
  progress: Progress;
  interruption: Interruption;
  /** The processes that train together; the first one writes. Default this one alone. */
  processes?: Processes;
  checkpoints: { every: number; keepLast: number };
  /** What to do if training diverges; default stop. */
  divergence?: { action: "rollback" | "stop"; factor: number };
  /** Also write the content of `metrics.jsonl` for TensorBoard, to `tensorboard/` in the run folder; default false. */
  tensorboard?: boolean;
  /** Device of the tensors, whose memory use is logged. Default "cpu". */
  device?: Device;
  /** Measures a few steps instead of training. */
  rehearsal?: Rehearsal | undefined;
  /** Iterations of the run's earlier stages; checkpoints count all of them. */
  iterationsBefore: number;
  /** Wall-clock seconds of earlier sessions and stages. */
  secondsBefore: number;
}

/** The label of a stage. */
export function labelOf({ name, label }: Stage): string {
  return label ?? stages[name].label;
}

/** Thrown when a signal ended the run after its state was saved. */
export class Interrupted extends DisbackError {
  override name = "Interrupted";
  constructor(
    message: string,
    /** 130 after SIGINT, 143 after SIGTERM. */
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** Thrown when training has diverged and cannot continue. */
export class Diverged extends DisbackError {
  override name = "Diverged";
}
