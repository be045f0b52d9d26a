import { availableParallelism } from "node:os";
import { UsageError } from "../errors.js";

/** The value of `--jobs`; default: one per core, or one on a GPU. */
export function jobsOf(text: string | undefined, settings: { device: string; threads: number }): number {
  if (text === undefined) {
    return settings.device === "cpu" ? Math.max(1, Math.floor(availableParallelism() / settings.threads)) : 1;
  }
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new UsageError(`--jobs must be a whole number from 1, got ${text}`);
  return jobs;
}
