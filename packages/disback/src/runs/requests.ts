import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "./atomic-file.js";

/** Requests from another process to a running one. */
export type Request = "stop" | "checkpoint";

const fileOf = (folder: string, request: Request) => join(folder, `${request}.request`);

/**
 * Sends a request to the process that works in a run folder: an empty file that it looks for between iterations. A file
 * works on every system and across containers and hosts that share the folder, and never reaches another process that
 * got the same id.
 *
 * @throws DisbackError if the folder cannot be written to
 */
export function askFor(folder: string, request: Request): void {
  try {
    // Exclusive, so that it never writes through a link that somebody put there.
    writeFileSync(fileOf(folder, request), "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw fileError("write", fileOf(folder, request), error);
  }
}

/** Whether there is such a request. */
export function isAsked(folder: string, request: Request): boolean {
  return existsSync(fileOf(folder, request));
}

/** Removes a request: it is done, or no process is left to do it. */
export function settle(folder: string, request: Request): void {
  rmSync(fileOf(folder, request), { force: true });
}
