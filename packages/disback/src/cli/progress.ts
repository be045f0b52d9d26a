import { Presets, SingleBar } from "cli-progress";
import type { Figures, Pace, Progress } from "../runs/progress.js";
import { FIGURE_NAMES, shortBytes, shortDuration, shortNumber } from "../runs/wording.js";

/** Measures iterations per second since the stage began or was resumed. */
class Rate {
  private began = performance.now();
  private firstDone = 0;
  total = 0;
  label = "";

  start(label: string, total: number, done: number): void {
    Object.assign(this, { label, total, firstDone: done, began: performance.now() });
  }

  /** `2.1/s, 3 min 20 s left` */
  describe(done: number, pace = this.measured(done)): string {
    if (!pace) return "starting";
    return `${shortNumber(pace.rate)}/s, ${shortDuration(pace.secondsLeft)} left`;
  }

  private measured(done: number): Pace | undefined {
    const seconds = (performance.now() - this.began) / 1000;
    const rate = (done - this.firstDone) / seconds;
    if (!Number.isFinite(rate) || rate <= 0) return undefined;
    return { rate, secondsLeft: (this.total - done) / rate };
  }
}

/** `judging 500 of 2,000 samples` */
function describeAside(label: string, done?: number, total?: number): string {
  if (total === undefined) return label;
  return `${label} ${(done ?? 0).toLocaleString("en")} of ${total.toLocaleString("en")} samples`;
}

/** A progress bar, redrawn in place. */
export class ProgressBar implements Progress {
  private readonly rate = new Rate();
  private bar: SingleBar | undefined;

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly write: (line: string) => void,
  ) {}

  start(label: string, total: number, done: number): void {
    this.rate.start(label, total, done);
    this.bar = new SingleBar(
      {
        stream: this.stream,
        format: "{label} {bar} {value}/{total}  {figures}",
        barsize: 24,
        hideCursor: true,
        clearOnComplete: false,
        gracefulExit: false,
        fps: 10,
      },
      Presets.shades_classic,
    );
    this.bar.start(total, done, { label, figures: "" });
  }

  update(done: number, figures: Figures, pace?: Pace): void {
    this.bar?.update(done, {
      figures: [this.rate.describe(done, pace), describeFigures(figures)].join("  "),
    });
  }

  aside(label: string | undefined, done?: number, total?: number): void {
    if (label !== undefined) this.bar?.update({ figures: describeAside(label, done, total) });
  }

  finish(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  remark(line: string): void {
    this.notice(line);
  }

  notice(line: string): void {
    // Clears the bar's line and writes the notice above it. The next update draws the bar again.
    if (this.bar) this.stream.write("\r\x1b[2K");
    this.write(line);
  }
}

/** A line every few seconds, for logs and pipes. */
export class ProgressLines implements Progress {
  private static readonly SECONDS_BETWEEN = 5;
  private readonly rate = new Rate();
  private lastLine = 0;
  private last: [number, Figures, Pace | undefined] | undefined;
  private done = 0;

  constructor(private readonly stream: NodeJS.WritableStream) {}

  start(label: string, total: number, done: number, unit = "iterations"): void {
    this.rate.start(label, total, done);
    this.lastLine = performance.now();
    this.last = undefined;
    this.done = done;
    this.notice(done === 0 ? `${label}: ${total} ${unit}` : `${label}: from ${done} of ${total} ${unit}`);
  }

  update(done: number, figures: Figures, pace?: Pace): void {
    this.last = [done, figures, pace];
    this.done = done;
    if (this.isDue()) this.flush();
  }

  aside(label: string | undefined, done?: number, total?: number): void {
    if (label === undefined || !this.isDue()) return;
    this.flush();
    this.lastLine = performance.now();
    this.notice(`${this.rate.label}: ${this.done}/${this.rate.total}, ${describeAside(label, done, total)}`);
  }

  finish(): void {
    this.flush();
  }

  remark(line: string): void {
    this.notice(line);
  }

  notice(line: string): void {
    this.stream.write(`${line}\n`);
  }

  private isDue(): boolean {
    return performance.now() - this.lastLine >= ProgressLines.SECONDS_BETWEEN * 1000;
  }

  private flush(): void {
    if (!this.last) return;
    const [done, figures, pace] = this.last;
    this.last = undefined;
    this.lastLine = performance.now();
    const parts = [this.rate.describe(done, pace), describeFigures(figures)].filter((part) => part !== "");
    this.notice(`${this.rate.label}: ${done}/${this.rate.total}, ${parts.join(", ")}`);
  }
}

/** Figures shown with the progress. */
const FOLLOWED = [
  "loss",
  "mismatch",
  "fid",
  "slicedWasserstein",
  "modeCoverage",
  "trigramDivergence",
  "validWords",
  "agreement",
  "motionError",
  "readableDigits",
  "readableFrames",
  "target",
];

/** `loss 0.21, FID 17.2, 1.2 GB`: the main figures, in a fixed order. */
function describeFigures(figures: Figures): string {
  const followed = FOLLOWED.flatMap((name) =>
    figures[name] === undefined ? [] : [`${FIGURE_NAMES[name]} ${shortNumber(figures[name])}`],
  );
  return [...followed, ...describeMemory(figures)].join(", ");
}

/** `3.1 GB (peak 5 GB)` on a GPU, `3.1 GB` on the CPU. */
function describeMemory({ memoryBytes, peakMemoryBytes }: Figures): string[] {
  if (memoryBytes === undefined) return [];
  const peak = peakMemoryBytes === undefined ? "" : ` (peak ${shortBytes(peakMemoryBytes)})`;
  return [`${shortBytes(memoryBytes)}${peak}`];
}
