import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { Progress } from "../progress.js";
import { shortDuration } from "../wording.js";
import type { CommandLine } from "./child-process.js";
import { isOver, measure, recordOf, startRun } from "./child-run.js";
import type { ChildRun } from "./plan.js";
import { runPool, type Task } from "./pool.js";
import { judgeTeacherTask, teacherFigures } from "./teacher-figures.js";

interface RunAllOptions {
  out: string;
  jobs: number;
  commandLine: CommandLine;
  progress: Progress;
}

/**
 * Completes all runs, skipping those that are over, and evaluates the teacher in the same way.
 *
 * @returns the teacher's figures
 * @throws DisbackError naming the run that failed; a run that diverged is a result, not a failure
 */
export async function runAll(
  label: string,
  runs: readonly ChildRun[],
  options: RunAllOptions,
): Promise<Record<string, number>> {
  const { out, jobs, commandLine, progress } = options;
  const judgedLike = runs[0]!.settings;
  const left = runs.filter((run) => !isOver(recordOf(out, run)));
  if (!teacherFigures(out, judgedLike)) {
    progress.remark?.("judging the teacher");
    // First and alone, because it also prepares the reference statistics, which all runs then read.
    await runPool([judgeTeacherTask(out, judgedLike, commandLine)], 1, progress);
  }
  let done = runs.length - left.length;
  if (left.length > 0) {
    progress.start(label, runs.length, done, "runs");
    const tasks = left.map(
      (run): Task => ({
        start: () => startRun(out, run, commandLine),
        settle(outcome) {
          const failed = "error" in outcome;
          if (failed && !isOver(recordOf(out, run))) {
            throw new DisbackError(`${join(out, run.folder)}: ${outcome.error.message}`);
          }
          progress.remark?.(outcomeLine(out, run, failed));
          progress.update(++done, {});
        },
      }),
    );
    try {
      await runPool(tasks, jobs, progress);
    } finally {
      progress.finish();
    }
  }
  return teacherFigures(out, judgedLike)!;
}

function outcomeLine(out: string, run: ChildRun, diverged: boolean): string {
  const name = `${run.student}, ${run.method}, rates ${Object.values(run.rates).join(" and ")}, seed ${run.seed}`;
  if (diverged) return `${name}: diverged`;
  const { evaluations, preparation } = measure(out, run);
  const seconds = (preparation?.seconds ?? 0) + (evaluations.at(-1)?.seconds ?? 0);
  return `${name}: finished, ${shortDuration(seconds)} of steps`;
}
