/** Figures shown beside the progress of a stage. */
export type Figures = Record<string, number | undefined>;

/** Where long work reports how far it is. The command line draws it; a library user may pass their own. */
export interface Progress {
  /** A stage of `total` iterations (or what `unit` says) begins, or goes on, `done` of them being behind it. */
  start(label: string, total: number, done: number, unit?: string): void;
  update(done: number, figures: Figures): void;
  /** The stage is over. */
  finish(): void;
  /** Something that must be known, as one line. */
  notice(line: string): void;
  /** How it goes, as one line: for those who watch. */
  remark?(line: string): void;
}

/** The same progress, to which what must be known is told once, however often it is found. */
export function tellingOnce(progress: Progress): Progress {
  const told = new Set<string>();
  return {
    start: (...stage) => progress.start(...stage),
    update: (done, figures) => progress.update(done, figures),
    finish: () => progress.finish(),
    notice(line) {
      if (told.has(line)) return;
      told.add(line);
      progress.notice(line);
    },
    remark: (line) => progress.remark?.(line),
  };
}

/** Reports to nobody. */
export const silent: Progress = { start() {}, update() {}, finish() {}, notice() {} };
