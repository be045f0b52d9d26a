import type { JobContext } from "./jobs/job.js";
import type { Progress } from "./progress.js";
import { isAsked } from "./requests.js";
import { Interrupted } from "./stage.js";

/** Called between parts of long work, with the number of samples done: shows it, and lets it be stopped. */
export type Between = (done: number) => Promise<void>;

type Surroundings = Pick<JobContext, "progress" | "interruption" | "processes" | "run">;

/** Work between two iterations of a stage, shown beside the stage's progress. */
export function besideStage(context: Surroundings, label: string, total: number): Between {
  context.progress.aside?.(label, 0, total);
  return async (done) => {
    context.progress.aside?.(label, done, total);
    await letStop(context, label);
  };
}

/** Work of its own, with its own progress in samples. */
export async function showWork<Result>(
  context: Surroundings,
  { label, total }: { label: string; total: number },
  work: (between: Between) => Promise<Result>,
): Promise<Result> {
  const { progress } = context;
  progress.start(label, total, 0, "samples");
  try {
    return await work(async (done) => {
      progress.update(done, {});
      await letStop(context, label);
    });
  } finally {
    progress.finish();
  }
}

/** Follows work that may be short. */
export interface Follower {
  report: (done: number, total: number) => Promise<void>;
  end: () => void;
}

/** After so many milliseconds work is worth showing. */
const LONG = 1000;

/** Follows work that may be short: it is shown once it has taken a second. Ends with `end`. */
export function followLong(progress: Progress, label: string, unit = "samples"): Follower {
  const began = performance.now();
  let isShown = false;
  return {
    async report(done, total) {
      if (!isShown && performance.now() - began < LONG) return;
      if (!isShown) progress.start(label, total, done, unit);
      isShown = true;
      progress.update(done, {});
      // Ctrl-C arrives only here: nothing does while libtorch computes.
      await new Promise(setImmediate);
    },
    end() {
      if (isShown) progress.finish();
      isShown = false;
    },
  };
}

/** The same inside a run, which can be stopped meanwhile. */
export function showWhenLong(context: Surroundings, label: string, unit?: string): Follower {
  const { report, end } = followLong(context.progress, label, unit);
  return {
    async report(done, total) {
      await report(done, total);
      await letStop(context, label);
    },
    end,
  };
}

/** Opens data; decoding many images is shown, and can be stopped. */
export async function whileDecoding<Result>(
  context: Surroundings,
  open: (onProgress: Follower["report"]) => Promise<Result>,
): Promise<Result> {
  const { report, end } = showWhenLong(context, "decoding", "images");
  return await open(report).finally(end);
}

/**
 * Lets signals and requests arrive: nothing does while libtorch computes. Several processes that work together stop only
 * between steps.
 *
 * @throws Interrupted if a stop was asked for
 */
async function letStop({ run, interruption, processes }: Surroundings, label: string): Promise<void> {
  await new Promise(setImmediate);
  if (processes.group) return;
  if (isAsked(run.path, "stop")) interruption.request("SIGTERM");
  if (interruption.requested)
    throw new Interrupted(
      `stopped while ${label}; continue with: ${run.resumeCommand}`,
      interruption.exitCode,
    );
}
