import type { z } from "zod";
import { planRuns } from "../compare/plan.js";
import { distillationJob } from "../jobs/distillation.js";
import type { Job } from "../jobs/job.js";
import { recordingJob } from "../jobs/record.js";
import type { Progress } from "../progress.js";
import { type CompareSettings, methodsOf } from "../settings/compare.js";
import type { RecordSettings } from "../settings/distillation.js";
import { layer, type SettingsTree } from "../settings/layers.js";
import { planRun, type RunPlan } from "./plan.js";

/** Runs that differ only in seed and learning rates: one of them is measured. */
export interface PlannedRuns {
  /** `untrained, disback` */
  label: string;
  runs: number;
  /** of one run */
  each: RunPlan;
}

/** What several runs, of which some run at once, will take. */
export interface SeveralPlan {
  groups: PlannedRuns[];
  /** Judging the teacher once for all, in seconds. */
  teacherSeconds: number;
  jobs: number;
  /** Time for everything, if each of the runs at once has the cores it is given. */
  seconds: number;
  /** Of the processes that run at once, in bytes. */
  memoryBytes: number;
  diskBytes: number;
}

export interface SeveralOptions {
  jobs: number;
  progress: Progress;
  version: string;
}

/**
 * Measures one run of every student and method of a comparison.
 *
 * @throws DisbackError for what would also stop the comparison; Interrupted after a signal
 */
export async function planComparison(
  settings: CompareSettings,
  options: SeveralOptions,
): Promise<SeveralPlan> {
  const { students, seeds, learningRates, protocol } = settings;
  const methods = methodsOf(settings);
  const { student = [], auxiliaryFactors = [], seeds: tuning = [] } = learningRates ?? {};
  const sweep = protocol === "best" ? student.length * auxiliaryFactors.length * tuning.length : 0;
  const first = planRuns(settings, { students, methods, seeds: seeds.slice(0, 1) });
  const groups: PlannedRuns[] = [];
  for (const [index, run] of first.entries()) {
    const label = `${run.student}, ${run.method}`;
    const judged = index === 0 ? { evaluation: { teacher: true } } : {};
    const measured = layer(run.settings as SettingsTree, judged);
    groups.push(
      await measure(distillationJob, measured as typeof run.settings, label, options, seeds.length + sweep),
    );
  }
  return together(groups, options.jobs);
}

/** Measures one of the paths of `record --seeds`. @throws as {@link planComparison} */
export async function planPaths(
  settings: RecordSettings,
  seeds: readonly number[],
  options: SeveralOptions,
): Promise<SeveralPlan> {
  const run = { threads: 1, ...settings, seed: seeds[0]! };
  return together([await measure(recordingJob, run, "paths", options, seeds.length)], options.jobs);
}

async function measure<Schema extends z.ZodType>(
  job: Job<Schema>,
  settings: z.output<Schema>,
  label: string,
  { progress, version }: SeveralOptions,
  runs: number,
): Promise<PlannedRuns> {
  progress.remark?.(label);
  return { label, runs, each: await planRun(job, settings, { progress, version }) };
}

/** Work about the teacher alone, which a comparison does once. */
const ABOUT_TEACHER = /^(judging|timing) the teacher|^drawing the teacher's/;

function together(planned: readonly PlannedRuns[], jobs: number): SeveralPlan {
  let teacherSeconds = 0;
  const groups = planned.map(({ each, ...group }) => {
    const once = each.besides.filter(({ label }) => ABOUT_TEACHER.test(label));
    const seconds = once.reduce((total, part) => total + part.seconds, 0);
    teacherSeconds += seconds;
    const besides = each.besides.filter((part) => !once.includes(part));
    return { ...group, each: { ...each, besides, seconds: each.seconds - seconds } };
  });
  const count = groups.reduce((total, { runs }) => total + runs, 0);
  const atOnce = Math.min(jobs, count);
  const work = groups.reduce((total, { runs, each }) => total + runs * each.seconds, 0);
  const largest = Math.max(...groups.map(({ each }) => each.memory.process));
  return {
    groups,
    teacherSeconds,
    jobs: atOnce,
    seconds: teacherSeconds + work / atOnce,
    memoryBytes: atOnce * largest,
    diskBytes: groups.reduce((total, { runs, each }) => total + runs * each.diskBytes, 0),
  };
}
