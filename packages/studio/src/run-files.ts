import type { SafeFolder } from "./safe-folder.js";

/** The fields of a run's `run.json` that are shown. */
export interface RunFile {
  command: string;
  preset?: string;
  settings: Record<string, unknown>;
  seed: number;
  versions: Record<string, unknown>;
  machine: Record<string, unknown>;
  startedAt: string;
  state: "running" | "stopped" | "failed" | "finished";
  failure?: { message?: string };
  result?: Record<string, unknown>;
  path?: { step: number; distance: number; loss: number }[];
}

export const RUN_FILE = "run.json";
const LARGEST = 4 << 20;

/** A JSON file below the folder, `undefined` when it is missing, too large or no JSON. */
export async function readJson(folder: SafeFolder, ...parts: string[]): Promise<unknown> {
  try {
    return JSON.parse((await folder.read(LARGEST, ...parts)).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The record of a run, `undefined` when the folder holds none that can be read. */
export async function readRunFile(folder: SafeFolder, id: string): Promise<RunFile | undefined> {
  const value = (await readJson(folder, id, RUN_FILE)) as Partial<RunFile> | undefined;
  if (typeof value?.command !== "string" || !isObject(value.settings)) return undefined;
  return {
    seed: 0,
    versions: {},
    machine: {},
    startedAt: "",
    state: "stopped",
    ...value,
  } as RunFile;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
