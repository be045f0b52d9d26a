import { Processes } from "../training/processes.js";
import { tellBetter } from "./best-model.js";
import type { Checkpoint } from "./checkpoint.js";
import { DivergenceWatch } from "./divergence.js";
import type { Figures } from "./progress.js";
import { isAsked, settle } from "./requests.js";
import { Diverged, Interrupted, labelOf, type RunSession, type Stage } from "./stage.js";
import { StageCheckpoints } from "./stage-checkpoints.js";
import { StageLog } from "./stage-log.js";
import { StagePace } from "./stage-pace.js";
import type { BestSoFar, RollBack, StagePosition } from "./stage-position.js";
import { StepTime } from "./step-time.js";

/**
 * Trains one stage to its end: steps, progress, evaluations, checkpoints.
 *
 * @param checkpoint where this stage resumes; default its beginning
 * @returns the run's wall-clock seconds so far
 * @throws Interrupted after a signal, once the state is saved; Diverged if training diverges and there is no roll-back,
 *   or there already was one
 */
export async function runStage(stage: Stage, session: RunSession, checkpoint?: Checkpoint): Promise<number> {
  if (session.rehearsal) {
    await session.rehearsal.measure(stage, session);
    return session.secondsBefore;
  }
  const loop = new StageLoop(stage, session, checkpoint);
  session.progress.start(labelOf(stage), stage.iterations, stage.work.iteration);
  try {
    await loop.perform();
  } finally {
    session.progress.finish();
  }
  return loop.seconds;
}

class StageLoop {
  private readonly processes: Processes;
  private readonly watch: DivergenceWatch;
  private readonly log: StageLog;
  private readonly checkpoints: StageCheckpoints;
  private readonly began = performance.now();
  private readonly pace: StagePace;
  private readonly isNew: boolean;
  /** whether a stop came before the evaluation of the current iteration was done */
  private evaluationDue: boolean;
  private secondsBefore: number;
  private stepTime: StepTime;
  /** last iteration at which an evaluation found nothing wrong */
  private sound = 0;
  private best: BestSoFar | undefined;
  private rollBack: RollBack | undefined;

  private toldPlain = false;
  /** figures of the last evaluation */
  private judged: Figures = {};

  constructor(
    private readonly stage: Stage,
    private readonly session: RunSession,
    checkpoint: Checkpoint | undefined,
  ) {
    this.processes = session.processes ?? new Processes();
    this.watch = new DivergenceWatch(stage.sigmaData);
    this.checkpoints = new StageCheckpoints(stage, session, this.processes);
    this.secondsBefore = session.secondsBefore;
    this.isNew = checkpoint === undefined;
    const position = checkpoint && this.checkpoints.restore(checkpoint);
    const { wall, processor } = stage.spent ?? new StepTime();
    this.stepTime = new StepTime(wall, processor);
    this.pace = new StagePace({
      iterations: stage.iterations,
      evaluateEvery: stage.evaluate && stage.evaluateEvery,
      checkpointEvery: session.checkpoints.every,
      share: () => this.stepTime.processor / (stage.processorSeconds ?? Number.POSITIVE_INFINITY),
    });
    this.log = new StageLog(stage, session, this.processes.leads, this.pace);
    this.evaluationDue = position?.evaluationDue !== undefined;
    if (!position) return;
    this.log.positions = position.evaluationDue?.positions ?? {};
    const { seconds, stepSeconds = 0, processorSeconds = stepSeconds, best, rollBack } = position;
    this.secondsBefore = seconds;
    this.stepTime = new StepTime(stepSeconds, processorSeconds);
    this.best = best;
    this.rollBack = rollBack;
    this.stand(position);
  }

  /** The run's wall-clock seconds so far. */
  get seconds(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000;
  }

  /** At the end of the iterations, or of the processor time; all processes end at the same iteration. */
  private isFinished(): boolean {
    const { stage, stepTime, processes } = this;
    const { processorSeconds } = stage;
    if (stage.work.finished) return true;
    return processorSeconds !== undefined && processes.largest(stepTime.processor) >= processorSeconds;
  }

  async perform(): Promise<void> {
    const { stage, session } = this;
    const { work } = stage;
    this.log.startTensorboard(this.isNew ? 0 : work.iteration + (this.evaluationDue ? 0 : 1));
    if (this.isNew) await this.begin();
    else if (this.evaluationDue) await this.evaluateOrRecover();
    let finished = this.isFinished();
    while (!finished) {
      const { result, seconds: step } = await this.stepTime.of(() => work.step());
      this.pace.add("step", step);
      this.tellIfPlain();
      const figures = result as Figures;
      session.run.requirePresent();
      finished = this.isFinished();
      this.log.step(figures, { run: this.seconds, step }, finished);
      let fault = this.watch.step(figures);
      const due = work.iteration % stage.evaluateEvery === 0 || finished;
      if (fault === undefined && due) fault = await this.evaluate();
      if (fault === undefined) await this.betweenSteps(finished);
      else {
        await this.recover(fault);
        finished = false;
      }
    }
    const better = this.best && tellBetter(session.run.path, this.judged);
    if (better !== undefined) session.progress.notice(better);
  }

  /** Says once why steps are not captured. */
  private tellIfPlain(): void {
    const { captureObstacle } = this.stage.work;
    if (captureObstacle === undefined || this.toldPlain) return;
    this.toldPlain = true;
    this.session.progress.remark?.(
      `steps run plainly, which takes a little longer: a captured step cannot ${captureObstacle}`,
    );
  }

  private async evaluateOrRecover(): Promise<void> {
    const fault = await this.evaluate();
    if (fault !== undefined) await this.recover(fault);
  }

  /** Saves if due or requested, and stops if requested. */
  private async betweenSteps(finished: boolean): Promise<void> {
    const { stage, session } = this;
    const { iteration } = stage.work;
    // Node delivers signals between turns of the event loop, and a native step never yields.
    await new Promise(setImmediate);
    const wanted = this.wantedByAny();
    const due = iteration % session.checkpoints.every === 0;
    if (wanted || due || finished) await this.save();
    if (wanted && this.processes.leads) settle(session.run.path, "checkpoint");
    if (wanted === "stop" && !finished) throw interrupted(stage, session);
  }

  /** Requests to any of the processes, by signal or file. All processes answer at the same iteration. */
  private wantedByAny(): "stop" | "checkpoint" | undefined {
    const { run, interruption } = this.session;
    if (isAsked(run.path, "stop")) interruption.request("SIGTERM");
    const asked = isAsked(run.path, "checkpoint") ? 1 : 0;
    const largest = this.processes.largest(interruption.requested ? interruption.exitCode : asked);
    if (largest <= 1) return largest === 1 ? "checkpoint" : undefined;
    interruption.request(largest === 143 ? "SIGTERM" : "SIGINT");
    return "stop";
  }

  /** The first evaluation, and a first checkpoint, so that a stage that diverges early can roll back to its start. */
  private async begin(): Promise<void> {
    if (this.stage.evaluate && this.stage.work.iteration === 0) {
      const fault = await this.evaluate();
      if (fault !== undefined) throw this.diverged(fault);
    }
    if (this.canGoBack) await this.save();
  }

  /** Evaluates the work. @returns what is wrong, or undefined */
  private async evaluate(): Promise<string | undefined> {
    const { stage, session } = this;
    const { iteration } = stage.work;
    session.run.requirePresent();
    const judged = this.processes.agree(await this.judge(iteration));
    const means = this.log.evaluation(judged, this.seconds, this.stepTime);
    const fault = this.watch.evaluation(means, judged);
    if (fault !== undefined) return fault;
    this.sound = iteration;
    this.keepBest(judged);
    this.log.show({ ...means, ...judged });
    return undefined;
  }

  /** @throws Interrupted if a stop is asked for meanwhile; the evaluation is then the first thing a resumed run does */
  private async judge(iteration: number): Promise<Figures> {
    const { stage, session } = this;
    if (!stage.evaluate) return {};
    this.evaluationDue = true;
    const began = performance.now();
    try {
      const judged = await stage.evaluate(iteration);
      this.evaluationDue = false;
      this.pace.add("evaluation", (performance.now() - began) / 1000);
      return judged;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      await this.save();
      throw interrupted(stage, session);
    } finally {
      session.progress.aside?.(undefined);
    }
  }

  private keepBest(judged: Figures): void {
    this.judged = judged;
    const { best, work } = this.stage;
    const figure = best?.figures.find((name) => judged[name] !== undefined);
    if (!best || figure === undefined) return;
    const value = judged[figure]!;
    if (this.best && !(value < this.best.value)) return;
    this.best = { figure, value, iteration: work.iteration };
    if (this.processes.leads) best.keep(this.best);
  }

  private async save(): Promise<void> {
    const { stage, sound, rollBack, best, stepTime, evaluationDue } = this;
    const began = performance.now();
    await this.checkpoints.save({
      stage: stage.name,
      seconds: this.seconds,
      stepSeconds: stepTime.wall,
      processorSeconds: stepTime.processor,
      means: this.log.means.state(),
      sound,
      watch: this.watch.state(),
      ...(rollBack ? { rollBack } : {}),
      ...(best ? { best } : {}),
      ...(evaluationDue ? { evaluationDue: { positions: this.log.positions } } : {}),
    });
    this.pace.add("checkpoint", (performance.now() - began) / 1000);
  }

  /** Resumes from a checkpoint. */
  private stand({ means, sound, watch }: StagePosition): void {
    this.log.means.load(means);
    this.sound = sound ?? this.stage.work.iteration;
    if (watch !== undefined) this.watch.load(watch);
  }

  private get canGoBack(): boolean {
    const { session, stage, rollBack } = this;
    return (
      session.divergence?.action === "rollback" && !rollBack && stage.work.scaleLearningRate !== undefined
    );
  }

  /** Goes back to the last sound checkpoint, once. @throws Diverged otherwise */
  private async recover(fault: string): Promise<void> {
    const { stage, session } = this;
    const { iteration } = stage.work;
    const error = this.diverged(fault);
    const good = this.canGoBack ? await this.checkpoints.lastSound(this.sound) : undefined;
    if (!good) throw error;
    this.stand(this.checkpoints.restore(good));
    this.log.forget();
    const { factor } = session.divergence!;
    stage.work.scaleLearningRate!(factor);
    this.rollBack = { stage: stage.name, iteration, to: stage.work.iteration, reason: error.message, factor };
    await this.save();
    // Later lines of the log belong to the diverged training.
    this.log.startTensorboard(this.isNew ? 0 : stage.work.iteration + 1);
    session.run.update({ rollBacks: [...(session.run.record.rollBacks ?? []), this.rollBack] });
    session.progress.notice(
      `${error.message}; going on from iteration ${stage.work.iteration} with ${factor} times the learning rate`,
    );
  }

  private diverged(fault: string): Diverged {
    const { stage, rollBack } = this;
    const where = stage.examine ? ` (${stage.examine()})` : "";
    const again = rollBack
      ? `; it was already rolled back at iteration ${rollBack.iteration}; a lower learning rate may help`
      : "";
    return new Diverged(`${labelOf(stage)}, iteration ${stage.work.iteration}: ${fault}${where}${again}`);
  }
}

function interrupted(stage: Stage, session: RunSession): Interrupted {
  return new Interrupted(
    `stopped at iteration ${stage.work.iteration} of ${stage.iterations} (${labelOf(stage)}); continue with: ${session.run.resumeCommand}`,
    session.interruption.exitCode,
  );
}
