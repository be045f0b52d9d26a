import type { StageName } from "@disback/studio/pages";
import type { Device } from "@disback/torch";
import { type MemoryUse, memoryUse } from "./memory-use.js";
import type { MetricsLog } from "./metrics-log.js";
import type { Figures } from "./progress.js";
import { RunningMeans } from "./running-means.js";

/** Seconds between two lines: short at first, so that a short run has a curve too; 1 after a quarter of an hour. */
const secondsBetween = (elapsed: number) => Math.min(1, Math.max(0.25, elapsed / 1000));

/**
 * `live.jsonl`: the progress of a stage between evaluations, for display. A line is a `MetricsEntry` with the means of
 * the steps since the last line and
 *
 * - `iterations`: those of the whole stage,
 * - `rate`: iterations per second of steps alone,
 * - `secondsLeft`: of the stage, including evaluations and checkpoints,
 * - `memoryBytes`, and on a GPU `peakMemoryBytes`: see `MemoryUse`.
 *
 * The content depends on the clock; no result depends on the content.
 */
export class LiveLog {
  /** Time of the last line; undefined before the first. */
  memory: Partial<MemoryUse> = {};
  private readonly means = new RunningMeans();
  private readonly began = performance.now();
  private lastTime = this.began;
  private steps = 0;
  private stepSeconds = 0;

  constructor(
    private readonly log: MetricsLog,
    private readonly stage: {
      name: StageName;
      iterations: number;
      imagesPerIteration: number;
    },
    /** Iteration at which this session began. */
    private readonly firstIteration: number,
    private readonly device: Device = "cpu",
  ) {}

  /**
   * Call after every step.
   *
   * @param figures are averaged
   * @param positions are not averaged
   * @param seconds of the whole run, of the step alone, and left of the stage
   */
  add(
    iteration: number,
    figures: Figures,
    positions: Figures,
    seconds: { run: number; step: number; left: number },
    finished: boolean,
  ): void {
    this.means.add(figures);
    this.steps++;
    this.stepSeconds += seconds.step;
    const now = performance.now();
    const elapsed = (now - this.began) / 1000;
    const first = iteration === this.firstIteration + 1;
    if (!first && !finished && (now - this.lastTime) / 1000 < secondsBetween(elapsed)) return;
    this.memory = memoryUse(this.device);
    this.log.append({
      stage: this.stage.name,
      iteration,
      iterations: this.stage.iterations,
      images: iteration * this.stage.imagesPerIteration,
      seconds: rounded(seconds.run),
      rate: rounded(this.steps / this.stepSeconds),
      secondsLeft: rounded(seconds.left),
      ...this.memory,
      ...this.means.take(),
      ...positions,
    });
    this.lastTime = now;
    this.steps = 0;
    this.stepSeconds = 0;
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
