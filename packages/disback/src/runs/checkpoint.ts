import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readSafetensors, type State, type Tensor, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { hashFile } from "../training/hashing.js";
import { fileError, makeFolder, removeIfPossible, syncFolder } from "./atomic-file.js";
import { isGroup } from "./settings/layers.js";

const FORMAT = "disback-checkpoint-1";
const TENSORS = "state.safetensors";
const MANIFEST = "state.json";

interface Manifest {
  format: typeof FORMAT;
  iteration: number;
  tensors: { bytes: number; sha256: string };
  /** The state's JSON as text, so that its checksum covers exactly these bytes. */
  values: string;
  valuesSha256: string;
}

/** A checkpoint as read: the state, and the run's iteration over all stages. */
export interface Checkpoint {
  iteration: number;
  path: string;
  state: State;
}

/**
 * Writes `checkpoints/<iteration>/{state.safetensors, state.json}` below `runPath`.
 *
 * The folder is made under a temporary name, synchronized to disk and renamed. After a crash the checkpoint is complete
 * or absent, and earlier ones are untouched.
 *
 * @returns the checkpoint's folder
 * @throws DisbackError naming the path when it cannot be written
 */
export async function saveCheckpoint(runPath: string, iteration: number, state: State): Promise<string> {
  const all = join(runPath, "checkpoints");
  const path = join(all, checkpointName(iteration));
  const partial = `${path}.partial-${process.pid}`;
  try {
    rmSync(partial, { recursive: true, force: true });
    makeFolder(partial, path);
    const tensors = join(partial, TENSORS);
    writeSafetensors(tensors, state.tensors, { format: FORMAT });
    const values = JSON.stringify(state.values);
    const manifest: Manifest = {
      format: FORMAT,
      iteration,
      tensors: hashFile(tensors),
      values,
      valuesSha256: textSha256(values),
    };
    writeFileSync(join(partial, MANIFEST), `${JSON.stringify(manifest)}\n`);
    // The tensors are already synchronized to disk.
    syncFile(join(partial, MANIFEST));
    syncFolder(partial);
    if (existsSync(path)) removeFolder(path);
    renameSync(partial, path);
    syncFolder(all);
    return path;
  } catch (error) {
    removeIfPossible(partial);
    throw fileError("write checkpoint", path, error);
  }
}

/** Reads one checkpoint. @throws DisbackError saying what is damaged if a checksum or a size does not match */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return readCheckpoint(path);
}

/** As `loadCheckpoint`, at once. */
export function readCheckpoint(path: string): Checkpoint {
  const manifest = readManifest(join(path, MANIFEST));
  const file = join(path, TENSORS);
  if (!existsSync(file)) throw new DisbackError(`${file}: missing`);
  const { size } = statSync(file);
  if (size !== manifest.tensors.bytes) {
    throw new DisbackError(`${file}: ${size} bytes instead of ${manifest.tensors.bytes}`);
  }
  if (hashFile(file).sha256 !== manifest.tensors.sha256) {
    throw new DisbackError(`${file}: content was altered (checksum does not match)`);
  }
  const values = parseValues(manifest.values, join(path, MANIFEST));
  const tensors: Map<string, Tensor> = readSafetensors(file).tensors;
  return {
    iteration: manifest.iteration,
    path,
    state: { tensors, values },
  };
}

/**
 * The newest undamaged checkpoint of a run, or `undefined` when there is none.
 *
 * @param notice called for each damaged checkpoint that is skipped
 * @param until ignores newer ones
 */
export async function latestCheckpoint(
  runPath: string,
  notice: (line: string) => void,
  until = Number.POSITIVE_INFINITY,
): Promise<Checkpoint | undefined> {
  for (const iteration of listCheckpoints(runPath).reverse()) {
    if (iteration > until) continue;
    const path = checkpointFolder(runPath, iteration);
    try {
      return await loadCheckpoint(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
      notice(`damaged checkpoint skipped: ${reason}`);
    }
  }
  return undefined;
}

/** Folder of a run's checkpoint. */
export function checkpointFolder(runPath: string, iteration: number): string {
  return join(runPath, "checkpoints", checkpointName(iteration));
}

/** Iterations of the checkpoints of a run, ascending; damaged ones included. */
export function listCheckpoints(runPath: string): number[] {
  const all = join(runPath, "checkpoints");
  if (!existsSync(all)) return [];
  return readdirSync(all)
    .filter((name) => /^\d{8,}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Removes all checkpoints except the newest `keepLast`, and the newest at or before `soundUntil`, which is needed for a
 * roll-back.
 */
export function pruneCheckpoints(
  runPath: string,
  { keepLast, soundUntil }: { keepLast: number; soundUntil: number },
): void {
  const all = listCheckpoints(runPath);
  const sound = all.filter((iteration) => iteration <= soundUntil).at(-1);
  const old = new Set(all.slice(0, Math.max(0, all.length - keepLast)));
  removeCheckpoints(runPath, (iteration) => old.has(iteration) && iteration !== sound);
}

/** Removes the checkpoints of some iterations. */
export function removeCheckpoints(runPath: string, unwanted: (iteration: number) => boolean): void {
  for (const iteration of listCheckpoints(runPath).filter(unwanted)) {
    removeFolder(checkpointFolder(runPath, iteration));
  }
}

/** Eight digits, so that names sort by iteration. */
function checkpointName(iteration: number): string {
  return String(iteration).padStart(8, "0");
}

/** Renamed first, so that a kill during removal leaves no partial checkpoint under a valid name. */
function removeFolder(path: string): void {
  const removed = `${path}.removed-${process.pid}`;
  renameSync(path, removed);
  rmSync(removed, { recursive: true, force: true });
}

function readManifest(path: string): Manifest {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("read", path, error);
  }
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    throw new DisbackError(`${path}: not valid JSON (truncated?)`);
  }
  if (
    manifest?.format !== FORMAT ||
    typeof manifest.iteration !== "number" ||
    typeof manifest.values !== "string" ||
    typeof manifest.tensors?.sha256 !== "string"
  ) {
    throw new DisbackError(`${path}: not a checkpoint of disback`);
  }
  if (textSha256(manifest.values) !== manifest.valuesSha256) {
    throw new DisbackError(`${path}: content was altered (checksum does not match)`);
  }
  return manifest as Manifest;
}

function parseValues(text: string, path: string): Record<string, unknown> {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    throw new DisbackError(`${path}: the state's values are not valid JSON`);
  }
  if (!isGroup(values)) throw new DisbackError(`${path}: the state's values are not a JSON object`);
  return values;
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function textSha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
