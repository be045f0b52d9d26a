/** Figures shown beside the progress of a stage. */
export type Figures = Record<string, number | undefined>;

/** How fast a stage is. */
export interface Pace {
  /** iterations per second, without evaluations and checkpoints */
  rate: number;
  secondsLeft: number;
}

/** Receives the progress of long work. The command line shows it; a library user may pass their own. */
export interface Progress {
  /** A stage of `total` iterations (or other `unit`s) begins or resumes, with `done` completed. */
  start(label: string, total: number, done: number, unit?: string): void;
  /** @param pace of the steps alone, and seconds to the stage's end with everything between steps; default measured */
  update(done: number, figures: Figures, pace?: Pace): void;
  /**
   * Work between two iterations, such as drawing and judging samples: it is no iteration and does not count as one.
   *
   * @param label `judging`; undefined at its end
   */
  aside?(label: string | undefined, done?: number, total?: number): void;
  /** The stage has ended. */
  finish(): void;
  /** An important notice, one line. */
  notice(line: string): void;
  /** A status line. */
  remark?(line: string): void;
}

/** The same progress, which gets each notice only once. */
export function tellingOnce(progress: Progress): Progress {
  const told = new Set<string>();
  return {
    start: (...stage) => progress.start(...stage),
    update: (done, figures, pace) => progress.update(done, figures, pace),
    aside: (label, done, total) => progress.aside?.(label, done, total),
    finish: () => progress.finish(),
    notice(line) {
      if (told.has(line)) return;
      told.add(line);
      progress.notice(line);
    },
    remark: (line) => progress.remark?.(line),
  };
}

/** Ignores all reports. */
export const silent: Progress = { start() {}, update() {}, finish() {}, notice() {} };
