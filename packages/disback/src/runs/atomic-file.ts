import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { DisbackError } from "../errors.js";

/**
 * Replaces a file as a whole: readers, and a crash at any moment, see the old content or the new, never a mix.
 *
 * @throws DisbackError naming the file when it cannot be written (no space, no permission, vanished folder)
 */
export function writeFileAtomically(path: string, content: string | Uint8Array): void {
  const partial = `${path}.partial-${process.pid}`;
  try {
    const file = openSync(partial, "w");
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
    syncFolder(dirname(path));
  } catch (error) {
    removeIfPossible(partial);
    throw fileError("write", path, error);
  }
}

/**
 * Makes a folder and those above it.
 * @throws DisbackError naming it as `shown`
 */
export function makeFolder(path: string, shown: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    // Of a read-only disk a recursive mkdir says that there is no such file: ask for the first that is missing.
    let missing = path;
    while (!existsSync(dirname(missing))) missing = dirname(missing);
    try {
      mkdirSync(missing);
    } catch (reason) {
      throw fileError("create", shown, reason);
    }
    throw fileError("create", shown, error);
  }
}

/** After a failure its own error is the one to report, not that of tidying up. */
export function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Left for the next session, which clears leftovers when it opens the run.
  }
}

/** Makes renames inside a folder last through a power failure (a rename lives in the folder, not in the file). */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Whether a file or folder is one being written or removed, or was when its process was killed. */
export function isTemporary(path: string): boolean {
  return /\.(partial|removed|dead)-\d+$|\.\d+\.(tmp|part)$|\.tmp$/.test(path);
}

const REASONS: Record<string, string> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "disk quota exceeded",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "it exists already",
  EMFILE: "too many open files",
};

/** One line for a failed file operation: `cannot write runs/a/run.json: no space left on the device`. */
export function fileError(verb: string, path: string, error: unknown): DisbackError {
  if (error instanceof DisbackError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const message = error instanceof Error ? error.message : String(error);
  // A library's error about a file below this path begins with that file's name.
  const told = message.startsWith(path) ? message.slice(message.indexOf(": ") + 2) : message;
  const reason = (code && REASONS[code]) ?? told.split("\n")[0];
  return new DisbackError(`cannot ${verb} ${path}: ${reason}`, { cause: error });
}
