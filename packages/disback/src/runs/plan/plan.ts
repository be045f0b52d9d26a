import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { Interruption } from "../interruption.js";
import { type Job, rehearseJob } from "../jobs/job.js";
import { IMITATED_PAIRS, PAIRS } from "../jobs/teacher-pairs.js";
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
    /** What a distillation prints before it starts: what it will need, and what would make it fit. */
    needs?: string;
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
    const { record } = await rehearseJob(job, briefSettings(settings), {
      ...{ folder: place, version, interruption, rehearsal },
    });
    const amounts = { ...(settings as object), ...chosenByJob(record.settings) };
    return planOf(rehearsal, amounts, place);
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
  checkpoints: { keepLast: number; keepBest: boolean };
}

function planOf(rehearsal: Rehearsal, settings: object, folder: string): RunPlan {
  const amounts = settings as Amounts;
  const factors = samplesFactors(settings);
  const stages = rehearsal.stages.map((stage) => plannedStage(stage, amounts, factors));
  const besides = [
    { label: "opening models and data", seconds: rehearsal.openingSeconds },
    ...[...rehearsal.besides].map(([label, seconds]) => ({
      label,
      seconds: seconds * factorOf(label, factors),
    })),
  ];
  const largest = rehearsal.stages.reduce((a, b) => (b.memory.peak > a.memory.peak ? b : a));
  const disk = diskUse(folder, rehearsal.stages, stages, amounts, factors.grid);
  return {
    stages,
    besides,
    seconds: sum([...stages, ...besides].map(({ seconds }) => seconds)),
    memory: {
      process: process.resourceUsage().maxRSS * 1024,
      stage: largest.label,
      tensors: largest.memory,
      ...(rehearsal.needs === undefined ? {} : { needs: rehearsal.needs }),
    },
    disk,
    diskBytes: sum(disk.map(({ bytes }) => bytes)),
  };
}

/** How many times as long work takes in the real run. */
function factorOf(
  label: string,
  { samples, grid, pairs, imitated }: ReturnType<typeof samplesFactors>,
): number {
  if (label === PAIRS) return pairs;
  if (label === IMITATED_PAIRS) return imitated;
  if (label.startsWith("drawing")) return grid;
  return label.startsWith("judging") ? samples : 1;
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
