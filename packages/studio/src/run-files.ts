import type { SafeFolder } from "./safe-folder.js";
import type { PathNode } from "./wire.js";

/** The fields of a run's `run.json` that are shown. */
export interface RunFile {
  command: string;
  preset?: string;
  settings: Record<string, unknown>;
  seed: number;
  versions: Record<string, unknown>;
  machine: Record<string, unknown>;
  startedAt: string;
  state: (typeof STATES)[number];
  failure?: { message: string };
  result?: Record<string, unknown>;
  path?: PathNode[];
  /** the decision of a distillation */
  decision?: { record?: unknown };
}

const STATES = ["running", "stopped", "failed", "finished"] as const;

export const RUN_FILE = "run.json";
const LARGEST = 4 << 20;

/** A JSON file below the folder, `undefined` if it is missing, too large or not JSON. */
export async function readJson(folder: SafeFolder, ...parts: string[]): Promise<unknown> {
  try {
    return JSON.parse((await folder.read(LARGEST, ...parts)).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The record of a run, `undefined` if the folder has no readable one. Damaged fields are left out. */
export async function readRunFile(folder: SafeFolder, id: string): Promise<RunFile | undefined> {
  const value = await readJson(folder, id, RUN_FILE);
  if (!isObject(value) || typeof value.command !== "string" || !isObject(value.settings)) return undefined;
  const { command, settings, preset, seed, versions, machine, startedAt, state } = value;
  const { failure, result, path, decision } = value;
  const nodes = pathNodes(path);
  return {
    command,
    settings,
    ...(typeof preset === "string" ? { preset } : {}),
    seed: typeof seed === "number" ? seed : 0,
    versions: isObject(versions) ? versions : {},
    machine: isObject(machine) ? machine : {},
    startedAt: typeof startedAt === "string" ? startedAt : "",
    state: STATES.find((one) => one === state) ?? "stopped",
    ...(isObject(failure) && typeof failure.message === "string"
      ? { failure: { message: failure.message } }
      : {}),
    ...(isObject(result) ? { result } : {}),
    ...(nodes ? { path: nodes } : {}),
    ...(isObject(decision) ? { decision } : {}),
  };
}

/** The nodes of a trajectory in a JSON file; invalid ones are left out. */
export function pathNodes(value: unknown): PathNode[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter(
    (node): node is PathNode =>
      isObject(node) && [node.distance, node.step, node.loss].every((figure) => typeof figure === "number"),
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
