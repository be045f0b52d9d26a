import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settingsInUse } from "@disback/studio/pages";
import type { z } from "zod";
import { Interruption } from "../interruption.js";
import { type Job, rehearseJob } from "../jobs/job.js";
import type { Progress } from "../progress.js";
import { Interrupted } from "../stage.js";
import { timesAhead } from "../stage-pace.js";
import { briefSettings, samplesFactors } from "./brief.js";
import { type DiskUse, diskUse } from "./disk.js";
import type { MemoryParts } from "./memory.js";
import { type MeasuredStage, Rehearsal } from "./rehearsal.js";

/** What a stage will take. */
export interface PlannedStage {
  label: string;
  steps: number;
  stepSeconds: number;
  evaluations: number;
  /** of one evaluation */
  evaluationSeconds: number;
  checkpoints: number;
  checkpointSeconds: number;
  /** of the whole stage */
  seconds: number;
}

/** What a run will take. */
export interface RunPlan {
  stages: PlannedStage[];
  /** Work outside the stages, in seconds. */
  besides: { label: string; seconds: number }[];
  seconds: number;
  memory: {
    /** The largest memory of the process while it was measured, in bytes. */
    process: number;
    /** The stage whose tensors take the most, and what for. */
    stage: string;
    tensors: MemoryParts;
  };
  disk: DiskUse[];
  diskBytes: number;
}

/**
 * Measures a few steps of every stage of a run, and counts what the whole run will take. Works in a temporary folder,
 * which it removes.
 *
 * @throws DisbackError for what would also stop the run; Interrupted after a signal
 */
export async function planRun<Schema extends z.ZodType>(
  job: Job<Schema>,
  settings: z.output<Schema>,
  options: { progress: Progress; version: string },
): Promise<RunPlan> {
  using interruption = new Interruption(() => {});
  const folder = mkdtempSync(join(tmpdir(), "disback-plan-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Also after a second signal, which ends the process at once.
  process.on("exit", remove);
  const rehearsal = new Rehearsal(options.progress);
  try {
    const place = join(folder, "run");
    const { version } = options;
    const { result, record } = await rehearseJob(job, briefSettings(settings), {
      ...{ folder: place, version, interruption, rehearsal },
    });
    const amounts = { ...(settings as object), ...chosenByJob(record.settings) };
    return planOf(rehearsal, amounts, { folder: place, figures: result.figures });
  } catch (error) {
    // There is no run to continue.
    if (error instanceof Interrupted) throw new Interrupted("stopped: nothing was planned", error.exitCode);
    throw error;
  } finally {
    remove();
    process.off("exit", remove);
  }
}

/** A teacher's iterations and the like are chosen by its data. */
function chosenByJob({ training }: Record<string, unknown>): Record<string, unknown> {
  return training === undefined ? {} : { training };
}

/** Settings that decide how much there is to do. */
export interface Amounts {
  recording?: {
    steps: number;
    nodes: string;
    nodeSteps?: number[];
    interval: number;
    maximumNodes: number;
    nodeCount?: number;
  };
  backtracking?: { objective: string; pairs: { count: number; steps: number } };
  checkpoints: { keepLast: number; keepBest: boolean };
}

function planOf(
  rehearsal: Rehearsal,
  settings: object,
  found: { folder: string; figures: Record<string, unknown> },
): RunPlan {
  const amounts = settings as Amounts;
  const factors = samplesFactors(settings);
  const stages = rehearsal.stages.map((stage) => plannedStage(stage, amounts, factors));
  const besides = [
    { label: "opening models and data", seconds: rehearsal.openingSeconds },
    ...[...rehearsal.besides].map(([label, seconds]) => ({
      label,
      seconds:
        seconds *
        (label.startsWith("drawing") ? factors.grid : label.startsWith("judging") ? factors.samples : 1),
    })),
    ...pairsOf(amounts, found.figures),
  ];
  const largest = rehearsal.stages.reduce((a, b) => (b.memory.peak > a.memory.peak ? b : a));
  const disk = diskUse(found.folder, rehearsal.stages, stages, amounts, factors.grid);
  return {
    stages,
    besides,
    seconds: sum([...stages, ...besides].map(({ seconds }) => seconds)),
    memory: {
      process: process.resourceUsage().maxRSS * 1024,
      stage: largest.label,
      tensors: largest.memory,
    },
    disk,
    diskBytes: sum(disk.map(({ bytes }) => bytes)),
  };
}

/** Samples that the teacher draws before the training, for objectives that learn from pairs. */
function pairsOf({ backtracking, ...settings }: Amounts, figures: Record<string, unknown>) {
  const { teacherRate, teacherEvaluations } = figures as {
    teacherRate?: number;
    teacherEvaluations?: number;
  };
  const used = backtracking && settingsInUse({ ...settings, backtracking }, new Set()).backtracking;
  if (!backtracking || !teacherRate || !teacherEvaluations || !Object.hasOwn(used as object, "pairs"))
    return [];
  const { count, steps } = backtracking.pairs;
  const evaluations = 2 * steps - 1;
  const seconds = ((count / teacherRate) * evaluations) / teacherEvaluations;
  return [{ label: `drawing ${count.toLocaleString("en")} samples of the teacher to learn from`, seconds }];
}

function plannedStage(
  measured: MeasuredStage,
  { recording }: Amounts,
  factors: { samples: number; grid: number },
): PlannedStage {
  const { name, label, stepSeconds, evaluateEvery, checkpointEvery, checkpointSeconds } = measured;
  // Only a recording is measured with fewer steps than it has.
  const steps = name === "record" && recording ? recording.steps : measured.iterations;
  const { drawing, judging, rest } = measured.evaluation ?? { drawing: 0, judging: 0, rest: 0 };
  const evaluationSeconds = drawing * factors.grid + judging * factors.samples + rest;
  // One more at the beginning.
  const evaluations = measured.evaluation === undefined ? 0 : 1 + timesAhead(0, steps, evaluateEvery);
  const checkpoints = timesAhead(0, steps, checkpointEvery);
  return {
    ...{ label, steps, stepSeconds, evaluations, evaluationSeconds, checkpoints, checkpointSeconds },
    seconds: steps * stepSeconds + evaluations * evaluationSeconds + checkpoints * checkpointSeconds,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
