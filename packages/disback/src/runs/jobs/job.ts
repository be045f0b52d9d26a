import { LostProcesses, libtorchVersion, setNumThreads } from "@disback/torch";
import type { z } from "zod";
import { DisbackError } from "../../errors.js";
import { requireCapturable } from "../../training/capture.js";
import { partsOf } from "../../training/micro-batches.js";
import { Processes } from "../../training/processes.js";
import { type Checkpoint, latestCheckpoint } from "../checkpoint.js";
import { Interruption } from "../interruption.js";
import type { Rehearsal } from "../plan/rehearsal.js";
import { type Progress, tellingOnce } from "../progress.js";
import { requireDataPresent } from "../run-data.js";
import { RunFolder, readRunFolder } from "../run-folder.js";
import { describeEnvironment, RUN_FORMAT, type RunCommand, type RunRecord } from "../run-record.js";
import { inTodaysWords } from "../settings/older.js";
import { withAbsolutePaths } from "../settings/paths.js";
import { Diverged, Interrupted } from "../stage.js";

/** The inputs of a job. */
export interface JobContext {
  run: RunFolder;
  progress: Progress;
  interruption: Interruption;
  /** The processes of this job. All of them perform it; the first one writes. */
  processes: Processes;
  /** Where an interrupted run resumes; absent for a new run. */
  checkpoint?: Checkpoint;
  /** Folder with shared trajectories; changes no result. */
  trajectories?: string;
  /** Whether a resumed run may use other data. */
  otherData?: boolean;
  /** Measures a few steps of each stage instead of training. */
  rehearsal?: Rehearsal;
}

/** The result of a job: figures for `run.json` and for the terminal. */
export interface JobResult {
  /** Stored in `run.json` as `result`, and printed with `--json`. */
  figures: Record<string, unknown>;
  /** Rows for the terminal, the first is the heading; may be empty. */
  table: string[][];
  /** Lines below the table: output paths. */
  places: [name: string, path: string][];
}

/** A kind of run: its settings and its work. */
export interface Job<Schema extends z.ZodType = z.ZodType> {
  command: RunCommand;
  schema: Schema;
  perform(settings: z.output<Schema>, context: JobContext): Promise<JobResult>;
}

interface SharedSettings {
  seed: number;
  threads?: number | undefined;
}

/** Options that change no result. */
export interface Surroundings {
  progress: Progress;
  /** The processes of the job; default this one alone. */
  processes?: Processes;
  /** Folder in which runs share trajectories. */
  trajectories?: string;
  /** Called when the run folder exists, before the work begins. */
  onFolder?: () => void;
}

/** Options of a new run besides its settings. */
export interface StartOptions extends Surroundings {
  folder: string;
  force: boolean;
  preset?: string;
  version: string;
}

/** Thrown when a process is gone or hangs; the message names it. */
export class RunLostProcesses extends DisbackError {
  override name = "LostProcesses";
  constructor(run: RunFolder, { message }: LostProcesses) {
    super(`${message}; continue with any number of processes: ${run.resumeCommand}`);
  }
}

/** Makes a run folder and does the job in it. @throws Interrupted after a signal, when the state is saved */
export async function startJob<Schema extends z.ZodType>(
  job: Job<Schema>,
  settings: z.output<Schema>,
  options: StartOptions,
): Promise<JobResult> {
  using interruption = listen(options.progress);
  const { folder, force, progress, processes = new Processes() } = options;
  const placed = withAbsolutePaths(settings as object) as z.output<Schema>;
  requireShares(placed, processes);
  const record = recordOf(job, placed, options);
  const run = await openTogether(processes, folder, () =>
    RunFolder.create(folder, record, { force, notice: (line) => progress.notice(line) }),
  );
  return await performIn(run, job, placed, interruption, options);
}

function recordOf<Schema extends z.ZodType>(
  { command }: Job<Schema>,
  settings: z.output<Schema>,
  { preset, version }: Pick<StartOptions, "preset" | "version">,
): RunRecord {
  return {
    format: RUN_FORMAT,
    command,
    ...(preset === undefined ? {} : { preset }),
    settings: settings as Record<string, unknown>,
    seed: (settings as SharedSettings).seed,
    ...describeEnvironment(version, libtorchVersion()),
    startedAt: new Date().toISOString(),
    state: "running",
  };
}

/** Does a job only to measure it, in this folder: nothing is reported, and the folder is not kept. */
export async function rehearseJob<Schema extends z.ZodType>(
  job: Job<Schema>,
  settings: z.output<Schema>,
  options: { folder: string; version: string; interruption: Interruption; rehearsal: Rehearsal },
): Promise<{ result: JobResult; record: RunRecord }> {
  const { folder, interruption, rehearsal } = options;
  const placed = withAbsolutePaths(settings as object) as z.output<Schema>;
  const processes = new Processes();
  requireShares(placed, processes);
  const run = RunFolder.create(folder, recordOf(job, placed, options));
  try {
    useThreads(placed);
    const progress = tellingOnce(rehearsal.progress);
    const result = await job.perform(placed, { run, progress, interruption, processes, rehearsal });
    return { result, record: run.record };
  } finally {
    run.close();
  }
}

function useThreads(settings: unknown): void {
  const { threads } = settings as SharedSettings;
  if (threads !== undefined) setNumThreads(threads);
}

/** Options that may change when a run is resumed. */
export interface ContinueOptions extends Surroundings {
  /** new place of its data */
  data?: string | undefined;
  /** whether the data may differ */
  otherData?: boolean;
  /** CPU threads; default as before */
  threads?: number | undefined;
}

/** Continues a run from its newest undamaged checkpoint, or from the beginning if there is none. */
export async function continueJob(
  folder: string,
  jobs: readonly Job[],
  surroundings: ContinueOptions,
): Promise<JobResult> {
  const { progress, data, threads, processes = new Processes() } = surroundings;
  using interruption = listen(progress);
  const record = readRunFolder(folder);
  const job = jobs.find((one) => one.command === record.command);
  if (!job) throw new DisbackError(`${folder}: runs of "${record.command}" cannot be continued`);
  if (record.state === "finished") throw new DisbackError(`${folder}: this run is finished`);
  const moved = withAbsolutePaths({
    ...inTodaysWords(record.settings),
    ...(data === undefined ? {} : { data }),
    ...(threads === undefined ? {} : { threads }),
  });
  requireDataPresent(moved.data as string | undefined, folder);
  const settings = job.schema.safeParse(moved);
  if (!settings.success) {
    throw new DisbackError(`${folder}/run.json: settings are not those of "${record.command}"`);
  }
  requireShares(settings.data, processes);
  const run = await openTogether(processes, folder, () => RunFolder.open(folder));
  if (data !== undefined) run.update({ settings: settings.data as Record<string, unknown> });
  const checkpoint = await checkpointForAll(run, progress, processes);
  progress.notice(
    checkpoint
      ? `continuing ${folder} from ${checkpoint.path}`
      : `${folder}: no checkpoint yet, starting over`,
  );
  return await performIn(run, job, settings.data, interruption, surroundings, checkpoint);
}

/** Settings of batches that are shared or split. */
const SHARED_BATCHES = ["training", "imitation", "recording", "backtracking"];

/**
 * Detects at once what would stop a later stage.
 * @throws DisbackError naming a batch size that cannot be split evenly, or graphs
 */
function requireShares(settings: unknown, processes: Processes): void {
  const { microBatch, cudaGraphs, offload } = settings as {
    microBatch?: number;
    cudaGraphs?: boolean;
    offload?: boolean;
  };
  if (offload && processes.size > 1)
    throw new DisbackError(
      '"offload": several processes cannot share weights that are fetched; use one process',
    );
  for (const name of SHARED_BATCHES) {
    const stage = (settings as Record<string, { batchSize?: number; steps?: number } | undefined>)[name];
    // A teacher's batch size may be chosen later, from the data.
    if (stage?.batchSize === undefined || stage.steps === 0) continue;
    const parts = partsOf(processes.share(stage.batchSize, `"${name}.batchSize"`), microBatch);
    if (cudaGraphs) requireCapturable(parts, processes, "cudaGraphs");
  }
}

/** Opens a run's folder in the process that writes; the others follow. */
async function openTogether(processes: Processes, path: string, open: () => RunFolder): Promise<RunFolder> {
  let opened: RunFolder | undefined;
  await processes.first(() => {
    opened = open();
  });
  if (opened) return opened;
  try {
    return RunFolder.follow(path);
  } catch (error) {
    throw new DisbackError(`${(error as Error).message}; all processes need the same file system`);
  }
}

/** The newest undamaged checkpoint, the same one in all processes. */
async function checkpointForAll(
  run: RunFolder,
  progress: Progress,
  processes: Processes,
): Promise<Checkpoint | undefined> {
  const notice = (line: string) => progress.notice(line);
  let checkpoint: Checkpoint | undefined;
  const iteration = await processes.first(async () => {
    checkpoint = await latestCheckpoint(run.path, notice);
    return checkpoint?.iteration;
  });
  if (processes.leads || iteration === undefined) return checkpoint;
  return latestCheckpoint(run.path, notice, iteration);
}

/** @throws Interrupted if a stop was already requested */
function listen(progress: Progress): Interruption {
  const interruption = new Interruption((signal) =>
    progress.notice(`${signal}: saving at the end of this step (a second signal exits at once)`),
  );
  if (!interruption.requested) return interruption;
  interruption[Symbol.dispose]();
  throw new Interrupted("stopped before any work was done", interruption.exitCode);
}

async function performIn<Schema extends z.ZodType>(
  run: RunFolder,
  job: Job<Schema>,
  settings: z.output<Schema>,
  interruption: Interruption,
  {
    progress,
    trajectories,
    onFolder,
    otherData = false,
    processes = new Processes(),
  }: Surroundings & {
    otherData?: boolean;
  },
  checkpoint?: Checkpoint,
): Promise<JobResult> {
  onFolder?.();
  try {
    useThreads(settings);
    const result = await job.perform(settings, {
      run,
      progress: tellingOnce(progress),
      interruption,
      processes,
      ...(checkpoint ? { checkpoint } : {}),
      ...(trajectories === undefined ? {} : { trajectories }),
      otherData,
    });
    if (!processes.leads) return result;
    const finished = {
      state: "finished",
      finishedAt: new Date().toISOString(),
      result: result.figures,
    } as const;
    // The report comes first, so that a run marked as finished is always complete.
    const report = await reportOn(run, finished);
    run.update(finished);
    return { ...result, places: [...result.places, ["report", report]] };
  } catch (error) {
    if (processes.leads) await leaveTraces(run, error);
    throw error instanceof LostProcesses ? new RunLostProcesses(run, error) : error;
  } finally {
    run.close();
  }
}

/** Best effort: the disk itself may have failed, and the first error is the one to show. */
async function leaveTraces(run: RunFolder, error: unknown): Promise<void> {
  try {
    const stopped = error instanceof Interrupted;
    // A run that failed before any work must not block the next attempt.
    if (!stopped && run.isBlank) {
      run.discard();
      return;
    }
    const message = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
    const reason = error instanceof Diverged ? "diverged" : "error";
    run.update(stopped ? { state: "stopped" } : { state: "failed", failure: { reason, message } });
    await reportOn(run);
  } catch {
    // The caller rethrows the first error.
  }
}

/** The chart library loads slowly, so it is imported only when needed. */
async function reportOn(run: RunFolder, fields: Partial<RunRecord> = {}): Promise<string> {
  const { writeReport } = await import("../report/report.js");
  return writeReport(run.path, { ...run.record, ...fields });
}
