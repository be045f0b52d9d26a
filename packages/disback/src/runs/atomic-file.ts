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
 * Replaces a file atomically: readers, also after a crash, see the old content or the new, never a mix.
 *
 * @throws DisbackError naming the file if it cannot be written (no space, no permission, missing folder)
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
    // On a read-only disk a recursive mkdir reports "no such file", so make the first missing folder instead.
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

/** After a failure, report its error, not that of the cleanup. */
export function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Left for the next session, which removes leftovers when it opens the run.
  }
}

/** Makes renames inside a folder survive a power failure. A rename is stored in the folder, not in the file. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Whether a file or folder is being written or removed, or was when its process was killed. */
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
  EISDIR: "is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "already exists",
  EMFILE: "too many open files",
};

/** The message of a failed file operation: `cannot write runs/a/run.json: no space left on the device`. */
export function fileError(verb: string, path: string, error: unknown): DisbackError {
  if (error instanceof DisbackError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const message = error instanceof Error ? error.message : String(error);
  // A library's error already starts with the file's name.
  const told = message.startsWith(path) ? message.slice(message.indexOf(": ") + 2) : message;
  const reason = (code && REASONS[code]) ?? told.split("\n")[0];
  return new DisbackError(`cannot ${verb} ${path}: ${reason}`, { cause: error });
}
