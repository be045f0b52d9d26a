import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { MeasuredEvaluation, MeasuredRun } from "../../compare/convergence.js";
import { DisbackError } from "../../errors.js";
import { writeFileAtomically } from "../atomic-file.js";
import { type MetricsEntry, MetricsLog } from "../metrics-log.js";
import { RunFolder } from "../run-folder.js";
import { type RunRecord, readRunRecord } from "../run-record.js";
import { distillSchema } from "../settings/distillation.js";
import { inTodaysWords } from "../settings/older.js";
import { withAbsolutePaths } from "../settings/paths.js";
import { type CommandLine, type RunningCommand, startCommand } from "./child-process.js";
import type { ChildRun } from "./plan.js";

/** Whether a run of the comparison is over: finished or diverged. */
export function isOver(record: RunRecord | undefined): record is RunRecord {
  return record?.state === "finished" || isDiverged(record);
}

function isDiverged(record: RunRecord | undefined): boolean {
  return record?.state === "failed" && record.failure?.reason === "diverged";
}

/**
 * The record of a run, if it exists.
 *
 * @throws DisbackError if it has other settings
 */
export function recordOf(out: string, run: ChildRun): RunRecord | undefined {
  const remedy = ", or set the earlier comparison aside with --force";
  return recordIn(join(out, run.folder), distillSchema, run.settings, remedy);
}

/** Starts or continues the run. */
export function startRun(out: string, run: ChildRun, commandLine: CommandLine): Promise<RunningCommand> {
  // Trajectories that several runs would record identically are recorded once.
  const shared = ["--share-trajectories", join(out, "trajectories")];
  return startIn(join(out, run.folder), "distill", distillSchema, run.settings, commandLine, shared);
}

/**
 * The record of the run in a folder, if it exists.
 *
 * @param remedy another remedy for the message
 * @throws DisbackError if it has other settings
 */
export function recordIn(
  folder: string,
  schema: z.ZodType,
  settings: object,
  remedy = "",
): RunRecord | undefined {
  if (!existsSync(join(folder, "run.json"))) return undefined;
  const record = readRunRecord(join(folder, "run.json"));
  const parsed = schema.safeParse(inTodaysWords(withAbsolutePaths(record.settings)));
  const wanted = withAbsolutePaths(settings);
  if (!parsed.success || !isDeepStrictEqual(asJson(parsed.data), asJson(wanted))) {
    throw new DisbackError(`${folder}: was run with other settings; choose another --out${remedy}`);
  }
  return record;
}

/**
 * Starts or continues a run in a folder as a separate process. If the previous parent was killed, the run may still be
 * saving its state; this waits for it.
 */
export async function startIn(
  folder: string,
  command: "distill" | "record",
  schema: z.ZodType,
  settings: { threads?: number | undefined },
  commandLine: CommandLine,
  flags: readonly string[] = [],
): Promise<RunningCommand> {
  await RunFolder.left(folder, SECONDS_TO_LEAVE);
  const threads = settings.threads ?? 1;
  if (recordIn(folder, schema, settings))
    return startCommand(commandLine, ["resume", folder, ...flags], threads);
  mkdirSync(dirname(folder), { recursive: true });
  const file = `${folder}.json`;
  writeFileAtomically(file, `${JSON.stringify(settings, null, 2)}\n`);
  return startCommand(commandLine, [command, "--config", file, "--out", folder, ...flags], threads);
}

const SECONDS_TO_LEAVE = 60;

/** The log of a run that is over. */
export function measure(out: string, run: ChildRun): MeasuredRun {
  const entries = new MetricsLog(join(out, run.folder, "metrics.jsonl")).read();
  const judged = entries.filter((entry) => entry.stage === "backtrack");
  const preparation = preparationOf(entries);
  return {
    seed: run.seed,
    diverged: isDiverged(recordOf(out, run)),
    ...(preparation ? { preparation } : {}),
    evaluations: judged.map(evaluationOf),
  };
}

/** The cost of imitation and recording together. */
function preparationOf(entries: readonly MetricsEntry[]): MeasuredRun["preparation"] {
  const last = (["imitate", "record"] as const).flatMap(
    (stage) => entries.filter((entry) => entry.stage === stage).at(-1) ?? [],
  );
  if (last.length === 0) return undefined;
  const sum = (value: (entry: MetricsEntry) => number) =>
    last.reduce((total, entry) => total + value(entry), 0);
  return {
    steps: sum((entry) => entry.iteration),
    images: sum((entry) => entry.images),
    seconds: sum(secondsOf),
    processorSeconds: sum(processorSecondsOf),
    // Imitation comes first, so its cost is the preparation's cost so far.
    evaluations: entries.filter(({ stage }) => stage === "imitate").map(evaluationOf),
  };
}

function evaluationOf(entry: MetricsEntry): MeasuredEvaluation {
  return {
    iteration: entry.iteration,
    images: entry.images,
    seconds: secondsOf(entry),
    processorSeconds: processorSecondsOf(entry),
    figures: figuresOf(entry),
  };
}

/** Logs of older versions have fewer fields. */
function secondsOf({ stepSeconds, seconds }: MetricsEntry): number {
  return stepSeconds ?? seconds;
}

function processorSecondsOf(entry: MetricsEntry): number {
  return entry.processorSeconds ?? secondsOf(entry);
}

const COSTS = ["stage", "iteration", "images", "seconds", "stepSeconds", "processorSeconds"];

function figuresOf(entry: MetricsEntry): Record<string, number> {
  return Object.fromEntries(
    Object.entries(entry).filter(
      (field): field is [string, number] => !COSTS.includes(field[0]) && typeof field[1] === "number",
    ),
  );
}

/** As it reads after being written: without undefined fields. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
