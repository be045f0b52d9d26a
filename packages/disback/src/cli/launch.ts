import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { DisbackError } from "../errors.js";
import type { Failure } from "./failure.js";

/** Set for processes started by `--processes`: they report their failure to the parent instead of the terminal. */
const STARTED = "DISBACK_STARTED";

/** How long the others may take to notice that one has failed, in ms. They notice at the next collective. */
const GRACE = 10_000;

/** What a process reports to its parent when it fails. */
interface FailureMessage extends Omit<Failure, "stack"> {
  /** Whether it failed only because others were gone. */
  lost: boolean;
}

interface Ending {
  rank: number;
  failure: FailureMessage | undefined;
}

/** Ends this process with the exit code of its children. */
class ProcessesFailed extends DisbackError {
  override name = "ProcessesFailed";
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/**
 * Runs this command in several processes on this machine, as torchrun would. Each gets the variables of PyTorch's
 * launchers and its share of the cores. Signals are passed on. If one process fails, the others end too.
 *
 * @throws DisbackError with the failure that caused the others
 */
export async function launch(count: number): Promise<void> {
  const environment = {
    ...{ MASTER_ADDR: "127.0.0.1", MASTER_PORT: String(await freePort()), WORLD_SIZE: String(count) },
    OMP_NUM_THREADS: String(Math.max(1, Math.floor(availableParallelism() / count))),
    ...process.env,
    [STARTED]: "1",
  };
  const words = withoutFlag(process.argv.slice(1), "--processes");
  const children = Array.from({ length: count }, (_, rank) =>
    spawn(process.execPath, [...process.execArgv, ...words], {
      // In its own process group, so that Ctrl-C reaches it only through us, once.
      detached: true,
      // Through this channel it notices that we were killed (see `Interruption`), and reports why it fails.
      stdio: ["ignore", rank === 0 ? "inherit" : "ignore", "inherit", "ipc"],
      env: { ...environment, RANK: String(rank), LOCAL_RANK: String(rank) },
    }),
  );
  const forward = (signal: NodeJS.Signals) => children.forEach((child) => void child.kill(signal));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, forward);
  let deadline: NodeJS.Timeout | undefined;
  const endings = await Promise.all(
    children.map(async (child, rank) => {
      const failure = await endOf(child, rank);
      if (failure) deadline ??= setTimeout(() => forward("SIGKILL"), GRACE);
      return { rank, failure };
    }),
  );
  clearTimeout(deadline);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, forward);
  const cause = causeOf(endings);
  if (cause) throw new ProcessesFailed(cause.message, cause.exitCode);
}

/** Reports a failure to the parent process. @returns false without a parent; then the terminal must show it */
export function tellStarter(failure: Failure, error: unknown): boolean {
  if (process.env[STARTED] === undefined || !process.connected) return false;
  const lost = error instanceof Error && error.name === "LostProcesses";
  const { message, exitCode } = failure;
  process.send!({ message, exitCode, lost } satisfies FailureMessage);
  return true;
}

function endOf(child: ChildProcess, rank: number): Promise<FailureMessage | undefined> {
  return new Promise((resolve) => {
    let told: FailureMessage | undefined;
    child.on("message", (message) => {
      told = message as FailureMessage;
    });
    child.once("error", ({ message }) =>
      resolve({ message: `cannot start a process: ${message}`, exitCode: 1, lost: false }),
    );
    child.once("close", (status, signal) => {
      if (status === 0) return resolve(undefined);
      const how = signal ? `was killed by ${signal}` : `ended with exit code ${status}`;
      resolve(told ?? { message: `rank ${rank} ${how}`, exitCode: status ?? 1, lost: false });
    });
  });
}

/** The original failure: the one that is not about lost processes. */
function causeOf(endings: readonly Ending[]): FailureMessage | undefined {
  const failed = endings.filter((ending): ending is { rank: number; failure: FailureMessage } =>
    Boolean(ending.failure),
  );
  const causes = failed.filter(({ failure }) => !failure.lost);
  const [first] = causes.length > 0 ? causes : failed;
  if (!first) return undefined;
  const { rank, failure } = first;
  const all = causes.length === endings.length || rank === 0 || failure.message.startsWith("rank ");
  return all ? failure : { ...failure, message: `rank ${rank}: ${failure.message}` };
}

function withoutFlag(words: readonly string[], flag: string): string[] {
  return words.filter(
    (word, index) => word !== flag && words[index - 1] !== flag && !word.startsWith(`${flag}=`),
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
