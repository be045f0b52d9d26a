import { type ChildProcess, spawn } from "node:child_process";
import { DisbackError } from "../../errors.js";

/** How to start the command line again: Node's flags and the program. */
export type CommandLine = readonly string[];

/** A running command. */
export interface RunningCommand {
  process: ChildProcess;
  /** Its stdout. @throws DisbackError with its error line if it failed */
  finished: Promise<string>;
}

/** Starts the command line as a separate process, with one thread by default. */
export function startCommand(
  commandLine: CommandLine,
  flags: readonly string[],
  threads: number,
): RunningCommand {
  const child = spawn(process.execPath, [...commandLine, ...flags, "--json", "--quiet"], {
    // In its own process group, so that Ctrl-C reaches it only through us, once, and it has time to save.
    detached: true,
    // Through this channel it notices that we were killed; then it saves and exits (see `Interruption`).
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
