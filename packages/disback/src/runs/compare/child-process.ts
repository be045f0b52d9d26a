import { type ChildProcess, spawn } from "node:child_process";
import { DisbackError } from "../../errors.js";

/** How the command line is started again: Node's flags and the program. */
export type CommandLine = readonly string[];

/** A command under way. */
export interface RunningCommand {
  process: ChildProcess;
  /** What it printed on stdout. @throws DisbackError with its own error line when it failed */
  finished: Promise<string>;
}

/** Starts the command line as a process of its own, with one thread where nothing else is said. */
export function startCommand(
  commandLine: CommandLine,
  flags: readonly string[],
  threads: number,
): RunningCommand {
  const child = spawn(process.execPath, [...commandLine, ...flags, "--json", "--quiet"], {
    // A group of its own: Ctrl-C reaches it through us alone, once, and it has time to save.
    detached: true,
    // The channel is how it notices that we were killed: it saves and leaves then (see `Interruption`).
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      ...process.env,
      OMP_NUM_THREADS: String(threads),
      MKL_NUM_THREADS: String(threads),
      NO_COLOR: "1",
    },
  });
  let [out, errors] = ["", ""];
  child.stdout!.on("data", (text: Buffer) => (out += text));
  child.stderr!.on("data", (text: Buffer) => (errors += text));
  const finished = new Promise<string>((resolve, reject) => {
    child.once("error", (error) => reject(new DisbackError(`cannot start a run: ${error.message}`)));
    child.once("close", (status, signal) => {
      if (status === 0) return resolve(out);
      const line = errors
        .split("\n")
        .filter((one) => one.startsWith("error: "))
        .at(-1);
      const reason = line?.slice("error: ".length) ?? errors.trim().split("\n").at(-1);
      reject(new DisbackError(reason || `a run ended with ${signal ?? `exit code ${status}`}`));
    });
  });
  return { process: child, finished };
}
