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

/** What recording a trajectory took, counted from the recording's beginning. */
export interface RecordingCost {
  seconds: number;
  entries: MetricsEntry[];
}

const TRAJECTORY = "trajectory";
const COST = "cost.json";
/** Milliseconds between two looks at a place where another run is recording. */
const PATIENCE = 1000;

/**
 * A folder in which runs share trajectories: what the first run of a key has recorded is there for the others, with what
 * it took. Files are linked, not copied, where the file system can; nobody changes them.
 */
export class TrajectoryStore {
  constructor(private readonly folder: string) {}

  /**
   * Lets one process at a time work on a key.
   *
   * @param stopped asked while waiting for another process; true ends the waiting
   * @param waiting called once if there is a wait
   * @returns what `body` returns; undefined if the waiting was ended
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

  /** Puts the trajectory of a key into a folder that does not exist yet. @returns what it took; undefined if there is none */
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

  /** Keeps a finished trajectory under a key, as a whole or not at all; one that is there already stays. */
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

/** Another process may be faster: then it is not free. */
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
      // Another disk, or a file system without links.
      copyFileSync(join(from, name), join(to, name));
    }
  }
}
