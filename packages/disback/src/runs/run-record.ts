import { readFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { z } from "zod";
import type { ImitationOf } from "../distill/decide.js";
import { DisbackError } from "../errors.js";
import { fileError, writeFileAtomically } from "./atomic-file.js";
import type { RollBack } from "./stage-position.js";

export const RUN_FORMAT = "disback-run-1";

/** The command of a run. */
export type RunCommand = "teacher train" | "record" | "backtrack" | "distill";

/** The content of `run.json`: everything needed to understand, repeat and continue a run. */
export interface RunRecord {
  format: typeof RUN_FORMAT;
  command: RunCommand;
  preset?: string;
  /** Complete settings, including defaults. */
  settings: Record<string, unknown>;
  seed: number;
  versions: Record<string, string>;
  machine: Record<string, string | number>;
  startedAt: string;
  resumedAt?: string[];
  state: "running" | "stopped" | "failed" | "finished";
  finishedAt?: string;
  /** The data it is trained or judged with. */
  data?: { source: string; samples: number; fingerprint: string };
  /** The stages of a distillation before the last one, and why. */
  decision?: { imitate: ImitationOf | boolean; record: boolean; why: string };
  /** The trajectory, from the node next to the teacher to the most degraded one. */
  path?: { step: number; distance: number; loss: number }[];
  /** Why a failed run failed. */
  failure?: { reason: "diverged" | "error"; message: string };
  /** Where training diverged and the run was rolled back. */
  rollBacks?: RollBack[];
  /** Figures of a finished run, for example `fidStart`, `fidEnd`, `teacherFid`. */
  result?: Record<string, unknown>;
}

const recordSchema = z.object({
  command: z.string(),
  preset: z.string().optional(),
  settings: z.record(z.string(), z.unknown()),
  seed: z.number(),
  versions: z.record(z.string(), z.string()),
  machine: z.record(z.string(), z.union([z.string(), z.number()])),
  startedAt: z.string(),
  resumedAt: z.array(z.string()).optional(),
  state: z.enum(["running", "stopped", "failed", "finished"]),
  finishedAt: z.string().optional(),
  failure: z.object({ reason: z.string(), message: z.string() }).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
});

/** Versions and machine for `run.json`. `libtorch` is passed in, so that this file need not load it. */
export function describeEnvironment(
  disback: string,
  libtorch: string,
): Pick<RunRecord, "versions" | "machine"> {
  const processors = cpus();
  return {
    versions: { disback, libtorch, node: process.versions.node },
    machine: {
      platform: platform(),
      architecture: arch(),
      processor: processors[0]?.model.trim() ?? "unknown",
      cores: processors.length,
      memoryBytes: totalmem(),
    },
  };
}

export function writeRunRecord(path: string, record: RunRecord): void {
  writeFileAtomically(path, `${JSON.stringify(record, null, 2)}\n`);
}

/** @throws DisbackError if the file is missing, not JSON, or of another format */
export function readRunRecord(path: string): RunRecord {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("read", path, error);
  }
  let value: Partial<RunRecord> | null;
  try {
    value = JSON.parse(text) as Partial<RunRecord> | null;
  } catch {
    throw new DisbackError(`${path}: not valid JSON`);
  }
  if (value === null || typeof value !== "object" || value.format !== RUN_FORMAT) {
    throw new DisbackError(`${path}: not a run of disback ("format" is not "${RUN_FORMAT}")`);
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.map(String).join(".");
    throw new DisbackError(
      `${path}: field "${field}" ${issue.path.length === 1 && !(field in value) ? "is missing" : `is damaged (${issue.message})`}`,
    );
  }
  return value as RunRecord;
}
