import { DisbackError } from "../../errors.js";
import { Interruption } from "../interruption.js";
import type { Progress } from "../progress.js";
import type { RunningCommand } from "./child-process.js";

/** A task that runs in a separate process. */
export interface Task {
  start(): Promise<RunningCommand>;
  /** Called with its stdout, or with its error. An exception from here ends the pool. */
  settle(outcome: { output: string } | { error: DisbackError }): void;
}

/** Thrown when a signal ended a comparison; its runs have saved their states. */
export class ComparisonStopped extends DisbackError {
  override name = "ComparisonStopped";
  constructor(
    message: string,
    /** 130 after SIGINT, 143 after SIGTERM. */
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/**
 * Runs tasks, `jobs` in parallel. The first failure or a signal stops new tasks. Running ones are waited for; a signal
 * is passed on to them.
 *
 * @throws the first error, or ComparisonStopped after a signal
 */
export async function runPool(tasks: readonly Task[], jobs: number, progress: Progress): Promise<void> {
  const running = new Set<RunningCommand>();
  using interruption = new Interruption((signal) => {
    progress.notice(`${signal}: the running runs save their states`);
    for (const one of running) one.process.kill(signal);
  });
  const waiting = [...tasks];
  let failure: unknown;
  const perform = async (task: Task) => {
    const command = await task.start();
    running.add(command);
    // A signal came while the task was waiting.
    if (interruption.requested) command.process.kill("SIGTERM");
    try {
      const outcome = await command.finished.then(
        (output) => ({ output }),
        (error: DisbackError) => ({ error }),
      );
      if (!interruption.requested) task.settle(outcome);
    } finally {
      running.delete(command);
    }
  };
  const worker = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      try {
        await perform(task);
      } catch (error) {
        failure ??= error;
      }
      if (failure !== undefined || interruption.requested) waiting.length = 0;
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  if (interruption.requested) {
    throw new ComparisonStopped(
      "stopped; the same command continues, finished runs are not repeated",
      interruption.exitCode,
    );
  }
  if (failure !== undefined) throw failure;
}
