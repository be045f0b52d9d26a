import { type Device, extractState, mergeStates, prefixState, type State } from "@disback/torch";
import { Processes } from "../distill/processes.js";
import { DisbackError } from "../errors.js";
import { type Checkpoint, latestCheckpoint, pruneCheckpoints, saveCheckpoint } from "./checkpoint.js";
import { DivergenceWatch } from "./divergence.js";
import type { Interruption } from "./interruption.js";
import { LiveLog } from "./live-log.js";
import type { MetricsEntry } from "./metrics-log.js";
import type { Figures, Progress } from "./progress.js";
import { isAsked, settle } from "./requests.js";
import { takeBack } from "./roll-back.js";
import type { RunFolder } from "./run-folder.js";
import { RunningMeans } from "./running-means.js";
import { type BestSoFar, positionOf, type RollBack, type StagePosition } from "./stage-position.js";
import { StepTime } from "./step-time.js";
import { TensorboardLog } from "./tensorboard/log.js";

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
  /** Standard deviation of the data, by which the samples' `spread` is judged; default 0.5. */
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

/**
 * Trains one stage to its end: steps, progress, evaluations, checkpoints.
 *
 * @param checkpoint where this stage goes on; from its beginning when not given
 * @returns the run's wall-clock seconds so far
 * @throws Interrupted after a signal, once the state is saved; Diverged when numbers go wrong and the stage is not, or
 * was already, taken back to where they were right
 */
export async function runStage(stage: Stage, session: RunSession, checkpoint?: Checkpoint): Promise<number> {
  const loop = new StageLoop(stage, session, checkpoint);
  session.progress.start(stage.label, stage.iterations, stage.work.iteration);
  try {
    await loop.perform();
  } finally {
    session.progress.finish();
  }
  return loop.seconds;
}

class StageLoop {
  private readonly means = new RunningMeans();
  private readonly watch: DivergenceWatch;
  private readonly began = performance.now();
  private readonly isNew: boolean;
  private readonly live: LiveLog;
  private readonly processes: Processes;
  private secondsBefore: number;
  private stepTime = new StepTime();
  private sound = 0;
  private judged: Figures = {};
  private best: BestSoFar | undefined;
  private rollBack: RollBack | undefined;
  private tensorboard: TensorboardLog | undefined;

  constructor(
    private readonly stage: Stage,
    private readonly session: RunSession,
    checkpoint: Checkpoint | undefined,
  ) {
    this.watch = new DivergenceWatch(stage.sigmaData);
    this.processes = session.processes ?? new Processes();
    this.secondsBefore = session.secondsBefore;
    this.isNew = checkpoint === undefined;
    if (checkpoint) {
      const {
        seconds,
        stepSeconds = 0,
        processorSeconds = stepSeconds,
        best,
        rollBack,
      } = positionOf(checkpoint);
      this.secondsBefore = seconds;
      this.stepTime = new StepTime(stepSeconds, processorSeconds);
      this.best = best;
      this.rollBack = rollBack;
      this.restore(checkpoint);
    }
    this.live = new LiveLog(session.run.live, stage, stage.work.iteration, session.device);
  }

  private startTensorboard(): void {
    const { session, stage } = this;
    if (!session.tensorboard || !this.processes.leads) return;
    const next = this.isNew ? 0 : stage.work.iteration + 1;
    this.tensorboard = new TensorboardLog(session.run.file("tensorboard", stage.name), next);
  }

  /** The run's wall-clock seconds so far. */
  get seconds(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000;
  }

  async perform(): Promise<void> {
    const { stage, session } = this;
    const { work } = stage;
    const { progress } = session;
    this.startTensorboard();
    if (this.isNew) await this.begin();
    while (!work.finished) {
      const { result, seconds: step } = await this.stepTime.of(() => work.step());
      const figures = result as Figures;
      const { iteration } = work;
      const positions = only(figures, stage.positions ?? []);
      const averaged = without(figures, stage.positions ?? []);
      this.means.add(averaged);
      session.run.requirePresent();
      if (this.processes.leads)
        this.live.add(iteration, averaged, positions, { run: this.seconds, step }, work.finished);
      progress.update(iteration, {
        ...this.means.means,
        ...this.judged,
        ...positions,
        ...this.live.memory,
      });
      let fault = this.watch.step(figures);
      if (fault === undefined && (iteration % stage.evaluateEvery === 0 || work.finished)) {
        fault = await this.evaluate(positions);
        progress.update(iteration, { ...figures, ...this.judged });
      }
      if (fault !== undefined) {
        await this.recover(fault);
        continue;
      }
      // Signals are delivered between turns of the event loop; a native step never leaves its turn.
      await new Promise(setImmediate);
      const wanted = this.wantedByAny();
      const stop = wanted === "stop" && !work.finished;
      const due = iteration % session.checkpoints.every === 0;
      if (wanted || due || work.finished) await this.save();
      if (wanted && this.processes.leads) settle(session.run.path, "checkpoint");
      if (stop) throw interrupted(stage, session);
    }
  }

  /** What was asked of any of the processes, by a signal or a file: all of them answer it at the same iteration. */
  private wantedByAny(): "stop" | "checkpoint" | undefined {
    const { run, interruption } = this.session;
    if (isAsked(run.path, "stop")) interruption.request("SIGTERM");
    const asked = isAsked(run.path, "checkpoint") ? 1 : 0;
    const largest = this.processes.largest(interruption.requested ? interruption.exitCode : asked);
    if (largest <= 1) return largest === 1 ? "checkpoint" : undefined;
    interruption.request(largest === 143 ? "SIGTERM" : "SIGINT");
    return "stop";
  }

  /** Where a stage that goes wrong early is taken back to is there from the start. */
  private async begin(): Promise<void> {
    if (this.stage.evaluate && this.stage.work.iteration === 0) {
      const fault = await this.evaluate({});
      if (fault !== undefined) throw this.diverged(fault);
    }
    if (this.canGoBack) await this.save();
  }

  /** Judges the work. @returns what is wrong, or undefined */
  private async evaluate(positions: Figures): Promise<string | undefined> {
    const { stage, session, watch } = this;
    const { iteration } = stage.work;
    session.run.requirePresent();
    const means = this.means.take();
    this.judged = this.processes.agree((await stage.evaluate?.(iteration)) ?? {});
    const entry: MetricsEntry = {
      stage: stage.name,
      iteration,
      images: iteration * stage.imagesPerIteration,
      seconds: toMilliseconds(this.seconds),
      stepSeconds: toMilliseconds(this.stepTime.wall),
      processorSeconds: toMilliseconds(this.stepTime.processor),
      ...this.judged,
      ...means,
      ...positions,
    };
    if (this.processes.leads) session.run.metrics.append(entry);
    this.tensorboard?.append(entry, session.run.samplePath(stage.name, iteration));
    const fault = watch.evaluation(means, this.judged);
    if (fault !== undefined) return fault;
    this.sound = iteration;
    this.keepBest(iteration);
    return undefined;
  }

  private keepBest(iteration: number): void {
    const { best } = this.stage;
    const figure = best?.figures.find((name) => this.judged[name] !== undefined);
    if (!best || figure === undefined) return;
    const value = this.judged[figure]!;
    if (this.best && !(value < this.best.value)) return;
    this.best = { figure, value, iteration };
    if (this.processes.leads) best.keep(this.best);
  }

  private async save(): Promise<void> {
    const { stage, session, sound, rollBack, best } = this;
    const position: StagePosition = {
      stage: stage.name,
      seconds: this.seconds,
      stepSeconds: this.stepTime.wall,
      processorSeconds: this.stepTime.processor,
      means: this.means.state(),
      sound,
      watch: this.watch.state(),
      ...(rollBack ? { rollBack } : {}),
      ...(best ? { best } : {}),
    };
    const state = mergeStates(prefixState("work", stage.work.state()), {
      tensors: new Map(),
      values: { position },
    });
    const { run, iterationsBefore, checkpoints } = session;
    run.requirePresent();
    await this.processes.first(async () => {
      await saveCheckpoint(run.path, iterationsBefore + stage.work.iteration, state);
      pruneCheckpoints(run.path, { keepLast: checkpoints.keepLast, soundUntil: iterationsBefore + sound });
    });
  }

  private restore(checkpoint: Checkpoint): void {
    const { means, sound, watch } = positionOf(checkpoint);
    this.stage.work.loadState(extractState("work", checkpoint.state));
    this.means.load(means);
    this.sound = sound ?? this.stage.work.iteration;
    if (watch !== undefined) this.watch.load(watch);
    this.judged = {};
  }

  private get canGoBack(): boolean {
    const { session, stage, rollBack } = this;
    return (
      session.divergence?.action === "rollback" && !rollBack && stage.work.scaleLearningRate !== undefined
    );
  }

  /** Goes back to the last checkpoint that is known to be right, once; @throws Diverged otherwise */
  private async recover(fault: string): Promise<void> {
    const { stage, session } = this;
    const { iteration } = stage.work;
    const error = this.diverged(fault);
    const good = this.canGoBack ? await this.soundCheckpoint() : undefined;
    if (!good) throw error;
    this.restore(good);
    const { factor } = session.divergence!;
    stage.work.scaleLearningRate!(factor);
    this.rollBack = { stage: stage.name, iteration, to: stage.work.iteration, reason: error.message, factor };
    await this.save();
    // What it wrote of the way that is not gone is void.
    this.startTensorboard();
    session.run.update({ rollBacks: [...(session.run.record.rollBacks ?? []), this.rollBack] });
    session.progress.notice(
      `${error.message}; going on from iteration ${stage.work.iteration} with ${factor} times the learning rate`,
    );
  }

  /** The last checkpoint that is known to be right, for all processes; those after it are removed. */
  private async soundCheckpoint(): Promise<Checkpoint | undefined> {
    const { stage, session, sound } = this;
    let good: Checkpoint | undefined;
    const iteration = await this.processes.first(async () => {
      good = await takeBack(session, stage.name, sound);
      return good?.iteration;
    });
    if (this.processes.leads || iteration === undefined) return good;
    return latestCheckpoint(session.run.path, (line) => session.progress.notice(line), iteration);
  }

  private diverged(fault: string): Diverged {
    const { stage, rollBack } = this;
    const where = stage.examine ? ` (${stage.examine()})` : "";
    const again = rollBack
      ? `; it had been taken back at iteration ${rollBack.iteration} already, a lower learning rate may help`
      : "";
    return new Diverged(`${stage.label}, iteration ${stage.work.iteration}: ${fault}${where}${again}`);
  }
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function interrupted(stage: Stage, session: RunSession): Interrupted {
  const folder = session.run.shownPath;
  return new Interrupted(
    `stopped at iteration ${stage.work.iteration} of ${stage.iterations} (${stage.label}); continue with: disback resume ${folder}`,
    session.interruption.exitCode,
  );
}

function only(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => names.includes(name)));
}

function without(figures: Figures, names: readonly string[]): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => !names.includes(name)));
}
