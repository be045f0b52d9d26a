import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../errors.js";
import { fileError, removeIfPossible, writeFileAtomically } from "./atomic-file.js";
import { FolderLock } from "./lock.js";
import type { MetricsEntry } from "./metrics-log.js";

/** The cost of recording a trajectory, from the recording's beginning. */
export interface RecordingCost {
  seconds: number;
  entries: MetricsEntry[];
}

const TRAJECTORY = "trajectory";
const COST = "cost.json";
/** Milliseconds between checks of another run's recording. */
const PATIENCE = 1000;

/**
 * A folder of shared trajectories: the first run with a key stores its trajectory and its cost for the others. Files
 * are linked, not copied, if the file system can; they are never changed.
 */
export class TrajectoryStore {
  constructor(private readonly folder: string) {}

  /**
   * Lets one process at a time work on a key.
   *
   * @param stopped checked while waiting for another process; true ends the wait
   * @param waiting called once if there is a wait
   * @returns the result of `body`; undefined if the wait was ended
   */
  async alone<T>(
    key: string,
    { stopped, waiting }: { stopped: () => boolean; waiting: () => void },
    body: () => Promise<T>,
  ): Promise<T | undefined> {
    const path = `${this.place(key)}.lock`;
    try {
      mkdirSync(this.folder, { recursive: true });
    } catch (error) {
      throw fileError("create", this.folder, error);
    }
    let told = false;
    let lock: FolderLock | undefined;
    while (!lock) {
      if (stopped()) return undefined;
      if (!FolderLock.isHeld(path)) {
        lock = acquireIfFree(path);
        continue;
      }
      if (!told) waiting();
      told = true;
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    }
    try {
      return await body();
    } finally {
      lock.release();
    }
  }

  /** Copies the trajectory of a key to a new folder. @returns its cost; undefined if there is none */
  take(key: string, target: string): RecordingCost | undefined {
    const place = this.place(key);
    if (!existsSync(place)) return undefined;
    const path = join(place, COST);
    try {
      const cost = JSON.parse(readFileSync(path, "utf8")) as RecordingCost;
      linkAll(join(place, TRAJECTORY), target);
      return cost;
    } catch (error) {
      if (error instanceof SyntaxError) throw new DisbackError(`${path}: not valid JSON; remove ${place}`);
      throw fileError("read", place, error);
    }
  }

  /** Stores a finished trajectory under a key, atomically. An existing one is kept. */
  give(key: string, trajectory: string, cost: RecordingCost): void {
    const place = this.place(key);
    if (existsSync(place)) return;
    const partial = `${place}.partial-${process.pid}`;
    try {
      removeIfPossible(partial);
      mkdirSync(partial, { recursive: true });
      linkAll(trajectory, join(partial, TRAJECTORY));
      writeFileAtomically(join(partial, COST), `${JSON.stringify(cost)}\n`);
      renameSync(partial, place);
    } catch (error) {
      removeIfPossible(partial);
      throw fileError("write", place, error);
    }
  }

  private place(key: string): string {
    return join(this.folder, key);
  }
}

/** Another process may be faster; then the name is taken. */
function acquireIfFree(path: string): FolderLock | undefined {
  try {
    return FolderLock.acquire(path);
  } catch (error) {
    if (FolderLock.isHeld(path)) return undefined;
    throw error;
  }
}

function linkAll(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    try {
      linkSync(join(from, name), join(to, name));
    } catch {
      // On another disk, or a file system without links.
      copyFileSync(join(from, name), join(to, name));
    }
  }
}
