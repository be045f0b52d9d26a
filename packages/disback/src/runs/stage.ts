import { type StageName, stages } from "@disback/studio/pages";
import type { Device, State } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Processes } from "../training/processes.js";
import type { Interruption } from "./interruption.js";
import type { Figures, Progress } from "./progress.js";
import type { RunFolder } from "./run-folder.js";
import type { BestSoFar } from "./stage-position.js";

/** Anything that is trained step by step and can be saved between steps. */
export interface Trainable {
  readonly iteration: number;
  readonly finished: boolean;
  /** Goes one step; its figures are numbers by name. */
  step(): object | Promise<object>;
  state(): State;
  loadState(state: State): void;
  /** Multiplies its learning rates, which are part of its state. Without it a diverged training cannot go on. */
  scaleLearningRate?(factor: number): void;
}

/** One stage of a run and how it is judged. */
export interface Stage {
  name: StageName;
  /** For people, shown beside the progress; the stage's own when not given. */
  label?: string;
  work: Trainable;
  /** Iterations until `work` is finished, at most. */
  iterations: number;
  imagesPerIteration: number;
  /** Iterations between evaluations. */
  evaluateEvery: number;
  /** Judges the work at its present iteration: figures for `metrics.jsonl`. Must not touch the training's random state. */
  evaluate?: (iteration: number) => Figures | Promise<Figures>;
  /** Standard deviation of the data, by which the samples' `spread` is judged, for a stage whose samples are judged. */
  sigmaData?: number;
  /** What is wrong with the networks, in one line: asked when a figure is. */
  examine?: () => string;
  /** Keeps what is trained, because it is the best so far by one of these figures (the first there is; lower is better). */
  best?: { figures: readonly string[]; keep: (best: BestSoFar) => void };
}

/** What all stages of a run share. */
export interface RunSession {
  run: RunFolder;
  progress: Progress;
  interruption: Interruption;
  /** Those that go the same way, of which the first one writes; this one alone when not given. */
  processes?: Processes;
  checkpoints: { every: number; keepLast: number };
  /** What is done when numbers go wrong; stopping when not given. */
  divergence?: { action: "rollback" | "stop"; factor: number };
  /** Writes what `metrics.jsonl` gets for TensorBoard too, to `tensorboard/` in the run folder; default false. */
  tensorboard?: boolean;
  /** Where tensors live: whose memory is watched. Default "cpu". */
  device?: Device;
  /** Iterations of the run's earlier stages; checkpoints count all of them. */
  iterationsBefore: number;
  /** Wall-clock seconds of earlier sessions and stages. */
  secondsBefore: number;
}

/** What people read of a stage. */
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

/** Thrown when numbers went wrong and going on would train on nothing. */
export class Diverged extends DisbackError {
  override name = "Diverged";
}
