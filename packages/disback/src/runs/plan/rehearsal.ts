import { memoryStatistics, resetPeakMemory } from "@disback/torch";
import { Processes } from "../../training/processes.js";
import type { Progress } from "../progress.js";
import { Interrupted, labelOf, type RunSession, type Stage } from "../stage.js";
import { StageCheckpoints } from "../stage-checkpoints.js";
import { StepTime } from "../step-time.js";
import { type MemoryParts, memoryParts } from "./memory.js";

/** What was measured of a stage. Seconds are those of one step, one evaluation with few samples, one checkpoint. */
export interface MeasuredStage {
  name: Stage["name"];
  label: string;
  iterations: number;
  evaluateEvery: number;
  checkpointEvery: number;
  stepSeconds: number;
  /** absent for a stage without samples */
  evaluation?: { drawing: number; judging: number; rest: number };
  checkpointSeconds: number;
  checkpointBytes: number;
  memory: MemoryParts;
}

/** Steps that are measured of a stage, besides the first, … */
const FEWEST_STEPS = 2;
const MOST_STEPS = 20;
/** … and about the seconds they may take together. */
const SECONDS = 4;

/** Stands for the training of a run's stages: makes a few steps of each and measures them. */
export class Rehearsal {
  readonly stages: MeasuredStage[] = [];
  /** Seconds of work outside the stages, by its label. */
  readonly besides = new Map<string, number>();
  readonly progress: Progress;
  /** What the run needs, worked out before it starts; one line. */
  needs: string | undefined;
  private began = performance.now();
  private label = "";
  private readonly opened = performance.now();
  private opening: number | undefined;
  /** When work between iterations began, and was last heard of. */
  private readonly asides = new Map<string, [first: number, last: number]>();

  /** @param shown where its own progress and the job's notices are shown */
  constructor(private readonly shown: Progress) {
    this.progress = {
      start: (label, total, done, unit) => {
        this.opening ??= seconds(this.opened);
        this.label = label;
        this.began = performance.now();
        shown.start(label, total, done, unit);
      },
      update: (done, figures) => shown.update(done, figures),
      finish: () => {
        const { label, began, besides } = this;
        besides.set(label, (besides.get(label) ?? 0) + seconds(began));
        shown.finish();
      },
      aside: (label, done) => {
        if (label === undefined) return;
        const now = performance.now();
        const [first] = this.asides.get(label) ?? [now];
        this.asides.set(label, done === 0 ? [now, now] : [first, now]);
      },
      notice: (line) => shown.notice(line),
    };
  }

  /** Seconds before the first stage: models and data. */
  get openingSeconds(): number {
    return this.opening ?? 0;
  }

  /** @throws Interrupted after a signal */
  async measure(stage: Stage, session: RunSession): Promise<void> {
    this.opening ??= seconds(this.opened);
    const label = labelOf(stage);
    const { device = "cpu" } = session;
    this.shown.start(`measuring ${label}`, FEWEST_STEPS + 1, 0, "steps");
    try {
      const evaluation = stage.evaluate && (await this.timeEvaluation(stage.evaluate));
      resetPeakMemory(device);
      const { seconds: stepSeconds, processorSeconds } = await this.timeSteps(stage, session);
      const { processorSeconds: budget = Number.POSITIVE_INFINITY } = stage;
      const memory = memoryParts(stage.work, memoryStatistics(device));
      const checkpoint = await this.timeCheckpoint(stage, session);
      this.stages.push({
        name: stage.name,
        label,
        iterations: Math.min(stage.iterations, Math.ceil(budget / processorSeconds)),
        evaluateEvery: stage.evaluateEvery,
        checkpointEvery: session.checkpoints.every,
        stepSeconds,
        ...(evaluation ? { evaluation } : {}),
        checkpointSeconds: checkpoint.seconds,
        checkpointBytes: memory.state,
        memory,
      });
    } finally {
      this.shown.finish();
    }
  }

  private async timeEvaluation(
    evaluate: NonNullable<Stage["evaluate"]>,
  ): Promise<MeasuredStage["evaluation"]> {
    this.asides.clear();
    const { seconds } = await timeOf(() => evaluate(0));
    const spent = (label: string) => {
      const [first, last] = this.asides.get(label) ?? [0, 0];
      return (last - first) / 1000;
    };
    const [drawing, judging] = [spent("drawing"), spent("judging")];
    return { drawing, judging, rest: seconds - drawing - judging };
  }

  /** Seconds of a step: the median of a few after the first, which makes what later ones reuse; and processor seconds. */
  private async timeSteps(
    stage: Stage,
    session: RunSession,
  ): Promise<{ seconds: number; processorSeconds: number }> {
    const times: number[] = [];
    const time = new StepTime();
    const began = performance.now();
    for (let done = 0; done <= MOST_STEPS && !stage.work.finished; done++) {
      if (done > FEWEST_STEPS && seconds(began) > SECONDS) break;
      await new Promise(setImmediate);
      if (session.interruption.requested) throw new Interrupted("stopped", session.interruption.exitCode);
      times.push((await time.of(() => stage.work.step())).seconds);
      this.shown.update(Math.min(times.length, FEWEST_STEPS + 1), {});
    }
    const [first = 0, ...later] = times;
    const sorted = later.sort((a, b) => a - b);
    return {
      seconds: sorted[Math.floor(sorted.length / 2)] ?? first,
      processorSeconds: time.processor / times.length,
    };
  }

  private async timeCheckpoint(stage: Stage, session: RunSession): Promise<{ seconds: number }> {
    const checkpoints = new StageCheckpoints(stage, session, session.processes ?? new Processes());
    const position = { stage: stage.name, seconds: 0, means: {} };
    return timeOf(() => checkpoints.save(position));
  }
}

async function timeOf<Result>(
  work: () => Result | Promise<Result>,
): Promise<{ result: Result; seconds: number }> {
  const began = performance.now();
  const result = await work();
  return { result, seconds: seconds(began) };
}

function seconds(began: number): number {
  return (performance.now() - began) / 1000;
}
