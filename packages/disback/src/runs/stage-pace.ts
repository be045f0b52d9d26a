/** What a stage still has to do. */
export interface StageWork {
  iterations: number;
  /** iterations between evaluations; absent without evaluations */
  evaluateEvery?: number | undefined;
  checkpointEvery: number;
  /** part of the stage's processor time that is spent; 0 for a stage that ends with its iterations alone */
  share?: () => number;
}

const PARTS = ["step", "evaluation", "checkpoint"] as const;
export type PacePart = (typeof PARTS)[number];

/** Of a step's duration, the part that the newest step decides, once there are enough. */
const NEWEST = 0.1;

/**
 * How long a stage's steps, evaluations and checkpoints take, each for itself, and so how long the stage still takes. A
 * step counts for its own time alone: an evaluation makes no step slow.
 */
export class StagePace {
  private readonly means: Record<PacePart, Mean> = {
    step: new Mean(),
    evaluation: new Mean(),
    checkpoint: new Mean(),
  };

  constructor(private readonly work: StageWork) {}

  /** Adds one measured duration, in seconds. */
  add(part: PacePart, seconds: number): void {
    this.means[part].add(seconds);
  }

  /** Mean seconds of a part, 0 if none was measured. */
  secondsOf(part: PacePart): number {
    return this.means[part].value ?? 0;
  }

  /** Steps per second, without what comes between steps; `undefined` before the first step. */
  get rate(): number | undefined {
    const { value } = this.means.step;
    return value === undefined ? undefined : 1 / Math.max(value, 1e-9);
  }

  /** Seconds to the stage's end after `iteration` steps; `undefined` before the first step. */
  left(iteration: number): number | undefined {
    if (this.means.step.value === undefined) return undefined;
    const { evaluateEvery, checkpointEvery, share } = this.work;
    const spent = share?.() ?? 0;
    const iterations =
      spent > 0
        ? Math.min(this.work.iterations, Math.ceil(iteration / Math.min(1, spent)))
        : this.work.iterations;
    const evaluations = evaluateEvery === undefined ? 0 : timesAhead(iteration, iterations, evaluateEvery);
    return (
      (iterations - iteration) * this.secondsOf("step") +
      evaluations * this.secondsOf("evaluation") +
      timesAhead(iteration, iterations, checkpointEvery) * this.secondsOf("checkpoint")
    );
  }
}

/** How often something happens after `iteration` that happens every few iterations and at the end. */
export function timesAhead(iteration: number, iterations: number, every: number): number {
  if (iteration >= iterations) return 0;
  return Math.ceil(iterations / every) - Math.floor(iteration / every);
}

/** A mean of the newest values, without the first: it includes what is made only once. */
class Mean {
  value: number | undefined;
  private count = 0;

  add(value: number): void {
    const { count } = this;
    this.count++;
    if (count <= 1) this.value = value;
    else this.value! += Math.max(NEWEST, 1 / count) * (value - this.value!);
  }
}
