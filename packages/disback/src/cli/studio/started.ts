import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DisbackError } from "../../errors.js";
import { fileError } from "../../runs/atomic-file.js";
import { FolderLock } from "../../runs/lock.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
const POLL_MILLISECONDS = 200;

/**
 * Starts a command that works in a run's folder and outlives the studio.
 *
 * @param log file for its output, appended to
 * @returns when it works in the folder; @throws DisbackError with its error message if it ended before
 */
export async function startInFolder(words: readonly string[], folder: string, log: string): Promise<void> {
  const output = openLog(log);
  const child = spawn(process.execPath, [MAIN, ...words], {
    detached: true,
    stdio: ["ignore", output, output],
    env: environment(),
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
  if (isOver && child.exitCode !== 0) throw new DisbackError(lastWords(readFileSync(log, "utf8")));
}

/** Runs a command to its end. @throws DisbackError with its error message */
export async function runToEnd(words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: environment(),
  });
  let text = "";
  child.stderr.on("data", (part) => {
    text = (text + part).slice(-LONGEST);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status !== 0) throw new DisbackError(lastWords(text));
}

/** Characters of a command's output that are kept for its last line. */
const LONGEST = 10_000;

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, NO_COLOR: "1" };
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

function lastWords(output: string): string {
  const line = output.trim().split("\n").at(-1);
  return line?.replace(/^error: /, "") || "it ended at once without a message";
}
