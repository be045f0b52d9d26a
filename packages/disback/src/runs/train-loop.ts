import { extractState, mergeStates, prefixState, type State } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Checkpoint, pruneCheckpoints, saveCheckpoint } from "./checkpoint.js";
import type { Interruption } from "./interruption.js";
import { LiveLog } from "./live-log.js";
import type { MetricsEntry } from "./metrics-log.js";
import type { Figures, Progress } from "./progress.js";
import { isAsked, settle } from "./requests.js";
import type { RunFolder } from "./run-folder.js";
import { RunningMeans } from "./running-means.js";

/** Anything that is trained step by step and can be saved between steps. */
export interface Trainable {
  readonly iteration: number;
  readonly finished: boolean;
  /** Goes one step; its figures are numbers by name. */
  step(): object | Promise<object>;
  state(): State;
  loadState(state: State): void;
}

/** One stage of a run and how it is judged. */
export interface Stage {
  name: MetricsEntry["stage"];
  /** For people, shown beside the progress. */
  label: string;
  work: Trainable;
  /** Iterations until `work` is finished. */
  iterations: number;
  imagesPerIteration: number;
  /** Iterations between evaluations. */
  evaluateEvery: number;
  /** Judges the work at its present iteration: figures for `metrics.jsonl`. Must not touch the training's random state. */
  evaluate?: (iteration: number) => Figures | Promise<Figures>;
  /** Figures of a step that are positions, not quantities to average. */
  positions?: readonly string[];
}

/** What all stages of a run share. */
export interface RunSession {
  run: RunFolder;
  progress: Progress;
  interruption: Interruption;
  checkpoints: { every: number; keepLast: number };
  /** Iterations of the run's earlier stages; checkpoints count all of them. */
  iterationsBefore: number;
  /** Wall-clock seconds of earlier sessions and stages. */
  secondsBefore: number;
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

/** Thrown when a figure is no longer finite: going on would train on nothing. */
export class Diverged extends DisbackError {
  override name = "Diverged";
}

/**
 * Trains one stage to its end: steps, progress, evaluations, checkpoints.
 *
 * @param checkpoint where this stage goes on; from its beginning when not given
 * @returns the run's wall-clock seconds so far
 * @throws Interrupted after a signal, once the state is saved; Diverged when a figure is no longer finite
 */
export async function runStage(stage: Stage, session: RunSession, checkpoint?: Checkpoint): Promise<number> {
  const { work } = stage;
  const { run, progress, interruption } = session;
  const means = new RunningMeans();
  const began = performance.now();
  let secondsBefore = session.secondsBefore;
  let stepSeconds = 0;
  if (checkpoint) {
    work.loadState(extractState("work", checkpoint.state));
    const position = positionOf(checkpoint);
    means.load(position.means);
    secondsBefore = position.seconds;
    stepSeconds = position.stepSeconds ?? 0;
  }
  const seconds = () => secondsBefore + (performance.now() - began) / 1000;
  let judged: Figures = {};

  const evaluate = async (figures: Figures) => {
    judged = (await stage.evaluate?.(work.iteration)) ?? {};
    run.metrics.append({
      stage: stage.name,
      iteration: work.iteration,
      images: work.iteration * stage.imagesPerIteration,
      seconds: toMilliseconds(seconds()),
      stepSeconds: toMilliseconds(stepSeconds),
      ...judged,
      ...figures,
    });
  };
  const save = async () => {
    const position: Position = { stage: stage.name, seconds: seconds(), stepSeconds, means: means.state() };
    const state = mergeStates(prefixState("work", work.state()), {
      tensors: new Map(),
      values: { position },
    });
    await saveCheckpoint(run.path, session.iterationsBefore + work.iteration, state);
    pruneCheckpoints(run.path, session.checkpoints.keepLast);
  };

  progress.start(stage.label, stage.iterations, work.iteration);
  const live = new LiveLog(run.live, stage, work.iteration);
  try {
    if (work.iteration === 0 && stage.evaluate) await evaluate({});
    while (!work.finished) {
      const stepBegan = performance.now();
      const figures = (await work.step()) as Figures;
      const lastStepSeconds = (performance.now() - stepBegan) / 1000;
      stepSeconds += lastStepSeconds;
      const { iteration } = work;
      requireFinite(figures, stage.name, iteration);
      const positions = only(figures, stage.positions ?? []);
      const averaged = without(figures, stage.positions ?? []);
      means.add(averaged);
      live.add(iteration, averaged, positions, { run: seconds(), step: lastStepSeconds }, work.finished);
      progress.update(iteration, { ...means.means, ...judged, ...positions });
      if (iteration % stage.evaluateEvery === 0 || work.finished) {
        await evaluate({ ...means.take(), ...positions });
        progress.update(iteration, { ...figures, ...judged });
      }
      // Signals are delivered between turns of the event loop; a native step never leaves its turn.
      await new Promise(setImmediate);
      if (isAsked(run.path, "stop")) interruption.request("SIGTERM");
      const stop = interruption.requested && !work.finished;
      const asked = isAsked(run.path, "checkpoint");
      if (stop || asked || iteration % session.checkpoints.every === 0 || work.finished) await save();
      if (asked) settle(run.path, "checkpoint");
      if (stop) throw interrupted(stage, session);
    }
  } finally {
    progress.finish();
  }
  return seconds();
}

interface Position {
  stage: MetricsEntry["stage"];
  seconds: number;
  /** Absent in checkpoints of older versions. */
  stepSeconds?: number;
  means: Record<string, [number, number]>;
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Which stage a checkpoint belongs to and when it was made. */
export function positionOf(checkpoint: Checkpoint): Position {
  const position = checkpoint.state.values.position as Position | undefined;
  if (typeof position?.stage !== "string" || typeof position.seconds !== "number")
    throw new DisbackError(`${checkpoint.path}: holds no position in a run`);
  return position;
}

function interrupted(stage: Stage, session: RunSession): Interrupted {
  const folder = session.run.shownPath;
  return new Interrupted(
    `stopped at iteration ${stage.work.iteration} of ${stage.iterations} (${stage.label}); continue with: disback resume ${folder}`,
    session.interruption.exitCode,
  );
}

function requireFinite(figures: Figures, stage: string, iteration: number): void {
  for (const [name, value] of Object.entries(figures)) {
    if (value !== undefined && !Number.isFinite(value)) {
      throw new Diverged(
        `${stage}, iteration ${iteration}: ${name} became ${value}; a lower learning rate may help (the last checkpoint is intact)`,
      );
    }
  }
}

function only(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => names.includes(name)));
}

function without(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => !names.includes(name)));
}
