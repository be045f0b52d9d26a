import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "./atomic-file.js";

/** What another process may ask of a running one. */
export type Request = "stop" | "checkpoint";

const fileOf = (folder: string, request: Request) => join(folder, `${request}.request`);

/**
 * Asks the process that works in a run folder for something: an empty file that it looks for between two iterations.
 * A file, because it reaches the process on every system and across containers and hosts that share the folder, and
 * never another process that got the same id.
 *
 * @throws DisbackError when the folder cannot be written to
 */
export function askFor(folder: string, request: Request): void {
  try {
    // Exclusive: never through a link that somebody put there.
    writeFileSync(fileOf(folder, request), "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw fileError("write", fileOf(folder, request), error);
  }
}

/** Whether something was asked for. */
export function isAsked(folder: string, request: Request): boolean {
  return existsSync(fileOf(folder, request));
}

/** Takes a request back: it is done, or nobody is there any more who could do it. */
export function settle(folder: string, request: Request): void {
  rmSync(fileOf(folder, request), { force: true });
}
