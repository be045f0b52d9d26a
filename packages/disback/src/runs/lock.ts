import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DisbackError } from "../errors.js";
import { fileError, removeIfPossible } from "./atomic-file.js";

interface LockOwner {
  pid: number;
  host: string;
  /** Start time of the process in kernel ticks, to tell it from a later process with the same id. */
  processStart?: string;
  since: string;
}

/**
 * Lets one process at a time work in a run folder.
 *
 * The lock is a file that names its owner. A crash leaves the file behind. The next process sees that the owner is gone
 * (no process with that id, or one with another start time) and takes over.
 */
export class FolderLock {
  private constructor(private readonly path: string) {}

  /**
   * @param path the lock file, inside an existing folder
   * @throws DisbackError naming the owner if a living process holds the lock
   */
  static acquire(path: string): FolderLock {
    const mine = `${path}.${process.pid}`;
    try {
      writeFileSync(mine, JSON.stringify(currentOwner()));
      // Creating a link is atomic, and fails if the name is taken.
      for (let attempt = 0; attempt < 10; attempt++) {
        try {
          linkSync(mine, path);
          return new FolderLock(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        }
        const content = readIfThere(path);
        if (content === undefined) continue;
        refuseLivingOwner(path, content);
        setAside(path, content);
      }
      throw new DisbackError(`${path}: other processes keep taking this lock`);
    } catch (error) {
      throw fileError("write", path, error);
    } finally {
      removeIfPossible(mine);
    }
  }

  /** @throws DisbackError naming the owner if a living process holds the lock */
  static refuseIfHeld(path: string): void {
    const content = readIfThere(path);
    if (content !== undefined) refuseLivingOwner(path, content);
  }

  /** Whether a living process holds the lock. */
  static isHeld(path: string): boolean {
    const content = readIfThere(path);
    return content !== undefined && isAlive(parseOwner(content));
  }

  release(): void {
    const owner = parseOwner(readIfThere(this.path) ?? "");
    // On a disk that has become read-only the lock stays; the next process takes over.
    if (owner?.pid === process.pid) removeIfPossible(this.path);
  }
}

function refuseLivingOwner(path: string, content: string): void {
  const owner = parseOwner(content);
  if (!isAlive(owner)) return;
  if (owner!.host !== hostname()) {
    throw new DisbackError(
      `${path}: held by process ${owner!.pid} on ${owner!.host} since ${owner!.since}; if it no longer runs, delete this file`,
    );
  }
  throw new DisbackError(
    `${path}: process ${owner!.pid} has been working in this folder since ${owner!.since}`,
  );
}

/** Removes a dead owner's lock, unless another process replaced it since it was read. */
function setAside(path: string, content: string): void {
  const aside = `${path}.dead-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readIfThere(aside) !== content) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process holds the lock now; leave it.
    }
  }
  unlinkSync(aside);
}

/** An unreadable lock (after a power failure during writing) has no owner. */
function isAlive(owner: LockOwner | undefined): boolean {
  if (!owner) return false;
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const start = processStart(owner.pid);
  return start === undefined || owner.processStart === undefined || start === owner.processStart;
}

function currentOwner(): LockOwner {
  const start = processStart(process.pid);
  return {
    pid: process.pid,
    host: hostname(),
    ...(start === undefined ? {} : { processStart: start }),
    since: new Date().toISOString(),
  };
}

/** Field 22 of /proc/PID/stat on Linux, `undefined` elsewhere. */
function processStart(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may itself contain spaces and parentheses.
  return stat
    ?.slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .at(19);
}

function parseOwner(content: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(content) as Partial<LockOwner> | null;
    if (!Number.isInteger(owner?.pid) || owner!.pid! <= 0 || typeof owner!.host !== "string")
      return undefined;
    return owner as LockOwner;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
