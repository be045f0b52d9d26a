import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunControl } from "@disback/studio";
import { DisbackError } from "../../errors.js";
import { fileError } from "../../runs/atomic-file.js";
import { FolderLock } from "../../runs/lock.js";
import { askFor } from "../../runs/requests.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
const POLL_MILLISECONDS = 200;

/** The studio's actions: locks, requests, and `disback resume` as a separate process. */
export const runControl: RunControl = {
  isHeld: (lock) => FolderLock.isHeld(lock),
  ask: askFor,
  resume,
};

/**
 * Starts `disback resume`, which outlives the studio. Its output goes to `resume.log` in the run's folder.
 *
 * @returns when it works in the folder; @throws DisbackError with its error message if it ended before
 */
async function resume(folder: string): Promise<void> {
  const log = join(folder, "resume.log");
  const output = openLog(log);
  const child = spawn(process.execPath, [MAIN, "resume", folder], {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, NO_COLOR: "1" },
  });
  closeSync(output);
  child.unref();
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => {
    isOver = true;
  });
  while (!isOver && !FolderLock.isHeld(join(folder, "run.lock"))) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))]);
  }
  if (isOver && child.exitCode !== 0) throw new DisbackError(lastWords(log));
}

/** Appended to, never through a link. */
function openLog(path: string): number {
  try {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);
  } catch (error) {
    throw fileError("write", path, error);
  }
}

function lastWords(log: string): string {
  const lines = readFileSync(log, "utf8").trim().split("\n");
  return lines.at(-1)?.replace(/^error: /, "") || "it ended at once without a message";
}
