// Runs a command and kills it: at a random moment, or in the middle of writing.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { leftovers } from "./cases.mjs";

const MAIN = fileURLToPath(new URL("../../packages/disback/dist/cli/main.js", import.meta.url));

/** Starts the command line, quietly, with one thread. */
function start(flags) {
  const child = spawn(process.execPath, [MAIN, ...flags, "--quiet"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, OMP_NUM_THREADS: "1", NO_COLOR: "1" },
  });
  const session = { child, errors: "", killed: false };
  child.stderr.on("data", (text) => (session.errors += text));
  session.over = new Promise((resolve) =>
    child.once("exit", (status, signal) => resolve({ status, signal })),
  );
  return session;
}

/** Runs a command to its end. @throws Error with what it said when it failed */
export async function finish(flags) {
  const session = start(flags);
  const { status, signal } = await session.over;
  if (status !== 0)
    throw new Error(`disback ${flags.join(" ")}\nended with ${status ?? signal}: ${session.errors}`);
  return session.errors;
}

/**
 * Runs a command and kills it with SIGKILL, at `seconds` after its start or `delay` milliseconds after the `event`-th
 * temporary file was seen in `folder`, whichever was asked for.
 *
 * @returns whether it was killed before it ended, whether that was in the middle of writing, and what it had said
 */
export async function runAndKill(flags, folder, { seconds, event, delay, victims }) {
  const session = start(flags);
  const stop = () => {
    if (session.killed) return;
    session.killed = true;
    for (const pid of victims(session.child.pid)) killIfThere(pid);
  };
  const timer = seconds === undefined ? undefined : setTimeout(stop, 1000 * seconds);
  const watched = event === undefined ? undefined : onTemporaryFiles(folder, event, () => spin(delay, stop));
  const { status, signal } = await session.over;
  clearTimeout(timer);
  watched?.close();
  const killed = signal === "SIGKILL" || session.killed;
  return { killed, status, writing: killed && leftovers(folder).length > 0, errors: session.errors };
}

/** Children of a process, by what the system knows of every process's parent (Linux). */
export function childrenOf(pid) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

function killIfThere(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself a moment ago.
  }
}

/** Shorter than a timer can be: a file is written in less than a millisecond. */
function spin(milliseconds, then) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
  then();
}

/** Calls back at the nth temporary file that appears in the folder or in those directly below it. */
function onTemporaryFiles(folder, count, then) {
  let seen = 0;
  const watchers = new Map();
  const look = (path, depth) => {
    if (watchers.has(path) || !existsSync(path)) return;
    const watcher = watch(path, (_, name) => {
      if (name && /\.(partial|removed)-\d+$|\.(tmp|part)$/.test(name)) {
        if (++seen === count) then();
      } else if (depth < 6 && name && !name.includes(".")) look(join(path, name), depth + 1);
    });
    // A folder that is gone again.
    watcher.on("error", () => watcher.close());
    watchers.set(path, watcher);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && depth < 6) look(join(path, entry.name), depth + 1);
    }
  };
  const poll = setInterval(() => look(folder, 0), 20);
  look(folder, 0);
  return {
    close() {
      clearInterval(poll);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
