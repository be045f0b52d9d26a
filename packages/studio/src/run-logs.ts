import { LogSeries } from "./log-series.js";
import { LogTail } from "./log-tail.js";
import { stageNames } from "./pages/index.js";
import type { SafeFolder } from "./safe-folder.js";
import { type Offsets, thin, type View } from "./thin.js";
import type { RunCurves, Stage } from "./wire.js";

/** One log in memory. */
class Log {
  readonly series = new LogSeries();
  private readonly tail: LogTail;

  constructor(folder: SafeFolder, id: string, name: string) {
    this.tail = new LogTail(folder, [id, name]);
  }

  read(): Promise<boolean> {
    return this.tail.read(
      (line) => this.series.add(line),
      () => this.series.clear(),
    );
  }
}

/** Both logs of a run in memory, updated as they grow. */
class RunLog {
  readonly evaluations: Log;
  readonly live: Log;
  private reading: Promise<void> | undefined;

  constructor(folder: SafeFolder, id: string) {
    this.evaluations = new Log(folder, id, "metrics.jsonl");
    this.live = new Log(folder, id, "live.jsonl");
  }

  get lines(): number {
    return this.evaluations.series.lines + this.live.series.lines;
  }

  /** Two readers at once would read the same lines twice. */
  read(): Promise<void> {
    this.reading ??= this.readBoth().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  /** Waits for both, even if one fails. */
  private async readBoth(): Promise<void> {
    const ends = await Promise.allSettled([this.evaluations.read(), this.live.read()]);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** The position of each started stage. */
  get ends(): Offsets {
    const ends: Offsets = {};
    for (const stage of stageNames) {
      const logged = [this.live, this.evaluations].map(({ series }) => series.endOf(stage));
      const last = logged.filter((end) => end !== undefined).sort((a, b) => b.iteration - a.iteration)[0];
      if (last) ends[stage] = last;
    }
    return ends;
  }
}

/** The logs of viewed runs. Beyond a number of lines, the least recently used are dropped. */
export class RunLogs {
  private readonly logs = new Map<string, RunLog>();

  constructor(
    private readonly folder: SafeFolder,
    /** Largest number of lines in memory, about 80 bytes each. */
    private readonly mostLines = 3_000_000,
  ) {}

  /** A run's curves, up to its newest line. */
  async curves(id: string, view: View): Promise<RunCurves> {
    const log = this.logs.get(id) ?? new RunLog(this.folder, id);
    this.logs.delete(id);
    this.logs.set(id, log);
    await log.read();
    this.forget(id);
    const { ends } = log;
    const offsets = offsetsOf(ends);
    return {
      evaluations: thin(log.evaluations.series, view, offsets),
      live: thin(log.live.series, view, offsets),
      offsets: iterationsOf(offsets),
      done: iterationsOf(ends),
    };
  }

  private forget(kept: string): void {
    let lines = 0;
    for (const log of this.logs.values()) lines += log.lines;
    for (const [id, log] of this.logs) {
      if (lines <= this.mostLines) return;
      if (id === kept) continue;
      this.logs.delete(id);
      lines -= log.lines;
    }
  }
}

/** The offset of a stage is the actual length of the stages before it. */
function offsetsOf(ends: Offsets): Offsets {
  const offsets: Offsets = {};
  let before = { iteration: 0, images: 0 };
  for (const stage of stageNames) {
    if (before.iteration > 0) offsets[stage] = before;
    const end = ends[stage];
    if (end) before = { iteration: before.iteration + end.iteration, images: before.images + end.images };
  }
  return offsets;
}

function iterationsOf(places: Offsets): Partial<Record<Stage, number>> {
  return Object.fromEntries(Object.entries(places).map(([stage, { iteration }]) => [stage, iteration]));
}
