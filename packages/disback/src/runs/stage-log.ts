import { stages } from "@disback/studio/pages";
import { LiveLog } from "./live-log.js";
import type { MetricsEntry } from "./metrics-log.js";
import type { Figures } from "./progress.js";
import { RunningMeans } from "./running-means.js";
import type { RunSession, Stage } from "./stage.js";
import type { StagePace } from "./stage-pace.js";
import type { StepTime } from "./step-time.js";
import { TensorboardLog } from "./tensorboard/log.js";

/** The output of a stage: progress on the terminal, `live.jsonl` for the studio, `metrics.jsonl` and TensorBoard. */
export class StageLog {
  /** means of the steps since the last evaluation */
  readonly means = new RunningMeans();
  private readonly live: LiveLog;
  private judged: Figures = {};
  /** figures of the last step that are not averaged */
  positions: Figures = {};
  private tensorboard: TensorboardLog | undefined;

  /** @param leads whether this process writes files */
  constructor(
    private readonly stage: Stage,
    private readonly session: RunSession,
    private readonly leads: boolean,
    private readonly pace: StagePace,
  ) {
    this.live = new LiveLog(session.run.live, stage, stage.work.iteration, session.device);
  }

  /** Opens TensorBoard's log. Its entries from this iteration on are dropped. */
  startTensorboard(from: number): void {
    const { session, stage } = this;
    if (!session.tensorboard || !this.leads) return;
    this.tensorboard = new TensorboardLog(session.run.file("tensorboard", stage.name), from);
  }

  /** Call after a step. @param seconds of the whole run, and of the step alone */
  step(figures: Figures, { run, step }: { run: number; step: number }, finished: boolean): void {
    const { iteration } = this.stage.work;
    const { averaged, positions } = this.split(figures);
    this.positions = positions;
    this.means.add(averaged);
    const left = this.pace.left(iteration) ?? 0;
    if (this.leads) this.live.add(iteration, averaged, positions, { run, step, left }, finished);
    this.show({ ...this.means.means, ...this.judged, ...positions, ...this.live.memory });
  }

  /** Shows figures at the work's iteration, with the stage's pace. */
  show(figures: Figures): void {
    const { pace, session } = this;
    const { iteration } = this.stage.work;
    const [rate, secondsLeft] = [pace.rate, pace.left(iteration)];
    const known = rate !== undefined && secondsLeft !== undefined;
    session.progress.update(iteration, figures, known ? { rate, secondsLeft } : undefined);
  }

  /**
   * Call after an evaluation. @returns the means of the steps since the last one
   */
  evaluation(judged: Figures, seconds: number, stepTime: StepTime): Record<string, number> {
    const { stage, session } = this;
    const { iteration } = stage.work;
    this.judged = judged;
    const means = this.means.take();
    const entry: MetricsEntry = {
      stage: stage.name,
      iteration,
      images: iteration * stage.imagesPerIteration,
      seconds: toMilliseconds(seconds),
      stepSeconds: toMilliseconds(stepTime.wall),
      processorSeconds: toMilliseconds(stepTime.processor),
      ...judged,
      ...means,
      ...this.positions,
    };
    if (this.leads) session.run.metrics.append(entry);
    this.tensorboard?.append(entry, session.run.samplePath(stage.name, iteration));
    return means;
  }

  /** Call after a roll-back: earlier figures belong to the diverged training. */
  forget(): void {
    this.judged = {};
    this.positions = {};
  }

  private split(figures: Figures): { averaged: Figures; positions: Figures } {
    const names: readonly string[] = stages[this.stage.name].positions;
    const entries = Object.entries(figures);
    return {
      averaged: Object.fromEntries(entries.filter(([name]) => !names.includes(name))),
      positions: Object.fromEntries(entries.filter(([name]) => names.includes(name))),
    };
  }
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
