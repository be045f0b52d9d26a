import { type Checkpoint, latestCheckpoint, removeCheckpoints } from "./checkpoint.js";
import type { MetricsEntry } from "./metrics-log.js";
import type { RunSession } from "./stage.js";
import { positionOf } from "./stage-position.js";

/**
 * Finds the newest checkpoint of a stage at or before its last sound iteration, and removes later ones, which belong to
 * the diverged training. If the process is killed meanwhile, it resumes from any of them, diverges in the same way, and
 * comes here again.
 *
 * @returns undefined if there is none
 */
export async function takeBack(
  { run, iterationsBefore, progress }: Pick<RunSession, "run" | "iterationsBefore" | "progress">,
  stage: MetricsEntry["stage"],
  sound: number,
): Promise<Checkpoint | undefined> {
  const until = iterationsBefore + sound;
  const good = await latestCheckpoint(run.path, (line) => progress.notice(line), until);
  if (!good || positionOf(good).stage !== stage) return undefined;
  removeCheckpoints(run.path, (iteration) => iteration > good.iteration);
  return good;
}
