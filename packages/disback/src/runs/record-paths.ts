import { join } from "node:path";
import { DisbackError } from "../errors.js";
import type { CommandLine } from "./compare/child-process.js";
import { recordIn, startIn } from "./compare/child-run.js";
import { runPool, type Task } from "./compare/pool.js";
import type { Progress } from "./progress.js";
import { type RecordSettings, recordSchema } from "./settings/distillation.js";

export interface RecordPathsOptions {
  /** Folder of the runs, `seed-<n>` each. */
  out: string;
  seeds: readonly number[];
  /** Number of parallel runs, one process each. */
  jobs: number;
  commandLine: CommandLine;
  progress: Progress;
}

/**
 * Records one path per seed, several in parallel. Finished runs are skipped; others are continued.
 *
 * @returns the run folders, by seed
 * @throws DisbackError naming the run that failed, ComparisonStopped after a signal; finished runs are kept
 */
export async function recordPaths(
  settings: RecordSettings,
  { out, seeds, jobs, commandLine, progress }: RecordPathsOptions,
): Promise<Record<string, string>> {
  const runs = seeds.map((seed) => ({
    folder: join(out, `seed-${seed}`),
    settings: { threads: 1, ...settings, seed },
  }));
  const left = runs.filter((run) => recordIn(run.folder, recordSchema, run.settings)?.state !== "finished");
  let done = runs.length - left.length;
  const tasks = left.map(
    (run): Task => ({
      start: () => startIn(run.folder, "record", recordSchema, run.settings, commandLine),
      settle(outcome) {
        if ("error" in outcome) throw new DisbackError(`${run.folder}: ${outcome.error.message}`);
        progress.update(++done, {});
      },
    }),
  );
  progress.start("recording", runs.length, done, "paths");
  try {
    await runPool(tasks, jobs, progress);
  } finally {
    progress.finish();
  }
  return Object.fromEntries(runs.map((run) => [`seed ${run.settings.seed}`, run.folder]));
}
