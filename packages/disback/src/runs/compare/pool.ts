import { DisbackError } from "../../errors.js";
import { Interruption } from "../interruption.js";
import type { Progress } from "../progress.js";
import type { RunningCommand } from "./child-process.js";

/** Something to be done by a process of its own. */
export interface Task {
  start(): Promise<RunningCommand>;
  /** Called with what it printed; what it throws ends the pool. Also called when it failed, with the error. */
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
 * Does tasks, `jobs` at a time. The first that fails, or a signal, stops new ones; those under way are waited for,
 * after a signal passed on to them.
 *
 * @throws the first error, or ComparisonStopped after a signal
 */
export async function runPool(tasks: readonly Task[], jobs: number, progress: Progress): Promise<void> {
  const running = new Set<RunningCommand>();
  using interruption = new Interruption((signal) => {
    progress.notice(`${signal}: the runs under way save their states`);
    for (const one of running) one.process.kill(signal);
  });
  const waiting = [...tasks];
  let failure: unknown;
  const perform = async (task: Task) => {
    const command = await task.start();
    running.add(command);
    // A signal that came while the task was waiting for its turn.
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
      "stopped; the same command goes on where it was, finished runs are not repeated",
      interruption.exitCode,
    );
  }
  if (failure !== undefined) throw failure;
}
