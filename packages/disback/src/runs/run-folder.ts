import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { DisbackError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import { fileError, isTemporary, makeFolder } from "./atomic-file.js";
import { listCheckpoints } from "./checkpoint.js";
import { FolderLock } from "./lock.js";
import { MetricsLog } from "./metrics-log.js";
import { settle } from "./requests.js";
import { type RunRecord, readRunRecord, writeRunRecord } from "./run-record.js";

const LOCK = "run.lock";
const RECORD = "run.json";
const FOLDERS = ["samples", "checkpoints"];

export interface RunFolderOptions {
  /** Rename an earlier run in the same place instead of refusing. Default false. */
  force?: boolean;
  /** Called for everything that is done to existing files. */
  notice?: (line: string) => void;
}

/**
 * The folder of one run: `run.json`, `metrics.jsonl`, `samples/`, `checkpoints/`, `student/` or `teacher/`, `report.html`.
 *
 * Rules for an existing folder:
 * - an empty folder is used;
 * - one with a run is refused; with `force` the run is renamed to `<folder>.old-<n>`, with a notice;
 * - one with anything else is refused, with or without `force`;
 * - one in use by a living process is always refused.
 */
export class RunFolder {
  private constructor(
    /** Absolute path. */
    readonly path: string,
    /** The path as the user gave it, for messages. */
    readonly shownPath: string,
    /** Absent if another process of this run holds it and writes. */
    private readonly lock: FolderLock | undefined,
    private current: RunRecord,
  ) {}

  /** @throws DisbackError if the folder is refused (see the rules above) or cannot be made */
  static create(path: string, record: RunRecord, options: RunFolderOptions = {}): RunFolder {
    const folder = resolve(path);
    makeRoom(folder, path, options);
    makeFolder(folder, path);
    const lock = FolderLock.acquire(join(folder, LOCK));
    try {
      // The record comes first: it makes the folder a run, even if this process is killed here.
      writeRunRecord(join(folder, RECORD), record);
      for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
    } catch (error) {
      lock.release();
      throw fileError("create", path, error);
    }
    return new RunFolder(folder, path, lock, record);
  }

  /** Opens an existing run to continue it. @throws DisbackError if it is not a run, or in use */
  static open(path: string): RunFolder {
    const folder = resolve(path);
    const { failure: _, ...before } = readRunFolder(path);
    const lock = FolderLock.acquire(join(folder, LOCK));
    removeLeftovers(folder);
    for (const request of ["stop", "checkpoint"] as const) settle(folder, request);
    const run = new RunFolder(folder, path, lock, before);
    run.update({
      state: "running",
      resumedAt: [...(before.resumedAt ?? []), new Date().toISOString()],
    });
    return run;
  }

  /** The folder of a run that another process has opened and writes. Changes nothing. */
  static follow(path: string): RunFolder {
    return new RunFolder(resolve(path), path, undefined, readRunFolder(path));
  }

  /**
   * Waits until no living process works in a folder.
   * @throws DisbackError naming the process if it does not end in time
   */
  static async left(path: string, seconds: number): Promise<void> {
    const until = performance.now() + 1000 * seconds;
    for (;;) {
      try {
        return FolderLock.refuseIfHeld(join(path, LOCK));
      } catch (error) {
        if (performance.now() > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  get record(): RunRecord {
    return this.current;
  }

  /** Changes fields of `run.json`. */
  update(fields: Partial<RunRecord>): void {
    this.current = { ...this.current, ...fields };
    if (this.lock) writeRunRecord(join(this.path, RECORD), this.current);
  }

  /** `metrics.jsonl`, one object per evaluation. */
  get metrics(): MetricsLog {
    return new MetricsLog(join(this.path, "metrics.jsonl"));
  }

  /** `live.jsonl`, the progress between evaluations. */
  get live(): MetricsLog {
    return new MetricsLog(join(this.path, "live.jsonl"));
  }

  /** Path of something in the folder. */
  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Path of the sample grid of an iteration; sorts by time within a stage. */
  samplePath(stage: string, iteration: number): string {
    return join(this.path, "samples", `${stage}-${String(iteration).padStart(8, "0")}.png`);
  }

  /** @throws DisbackError if the folder was moved or removed, because it must not be created again silently */
  requirePresent(): void {
    if (existsSync(join(this.path, RECORD))) return;
    throw new DisbackError(
      `${this.shownPath}: the run's folder is missing; if it was moved, continue in the new place with: disback resume <folder>`,
    );
  }

  /** The shell command that continues this run. */
  get resumeCommand(): string {
    return `disback resume ${shellWord(this.shownPath)}`;
  }

  /** Whether nothing was evaluated or saved yet. */
  get isBlank(): boolean {
    return listCheckpoints(this.path).length === 0 && this.metrics.read().length === 0;
  }

  /** Removes the folder of a run that failed before any work. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Releases the folder for others. */
  close(): void {
    this.lock?.release();
  }
}

/** Reads `run.json` of a folder. @throws DisbackError if the folder is missing or holds no run */
export function readRunFolder(path: string): RunRecord {
  if (!existsSync(path)) throw new DisbackError(`${path}: no such folder`);
  if (!existsSync(join(path, RECORD))) throw new DisbackError(`${path}: holds no run (no ${RECORD})`);
  return readRunRecord(join(path, RECORD));
}

function makeRoom(folder: string, shown: string, options: RunFolderOptions): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory())
    throw new DisbackError(`${shown}: a file is in the way of this folder`);
  FolderLock.refuseIfHeld(join(folder, LOCK));
  const names = readdirSync(folder).filter((name) => !name.startsWith(LOCK) && !isTemporary(name));
  if (names.length === 0) return;
  if (!names.includes(RECORD)) {
    throw new DisbackError(`${shown}: already in use by files that belong to no run (${names[0]}, …)`);
  }
  if (!options.force) {
    throw new DisbackError(
      `${shown}: already in use by a run; continue it with "disback resume ${shellWord(shown)}", or set it aside with --force`,
    );
  }
  let number = 1;
  while (existsSync(`${folder}.old-${number}`)) number++;
  try {
    renameSync(folder, `${folder}.old-${number}`);
  } catch (error) {
    throw fileError("rename", shown, error);
  }
  options.notice?.(`earlier run moved from ${shown} to ${shown.replace(/\/+$/, "")}.old-${number}`);
}

/** A process that was killed while writing leaves temporary files. */
function removeLeftovers(folder: string): void {
  for (const path of readdirSync(folder, { recursive: true }) as string[]) {
    if (isTemporary(path)) rmSync(join(folder, path), { recursive: true, force: true });
  }
}
