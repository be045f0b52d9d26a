import { lstatSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { lastLine, lastLines } from "./log-tail.js";
import { dataTitle, methodTitle } from "./pages/index.js";
import type { RunControl } from "./run-control.js";
import { RUN_FILE, type RunFile, readRunFile } from "./run-files.js";
import type { SafeFolder } from "./safe-folder.js";
import { sampleFiles, sampleGrid } from "./sample-files.js";
import type { LogLine, RunState, RunSummary } from "./wire.js";

/** Folders that contain no runs. */
const NOT_ENTERED = new Set(["checkpoints", "samples", "student", "teacher", "trajectory", "node_modules"]);
const DEEPEST = 6;
const MOST_RUNS = 5000;
/** Files that change when a run has news. */
const WATCHED = [RUN_FILE, "metrics.jsonl", "live.jsonl", "run.lock", "stop.request", "checkpoint.request"];
const COMPARISON = "settings.json";

/** All runs below a folder, updated by polling; only changes are read. */
export class RunList {
  private runs = new Map<string, RunSummary>();
  private scanned = 0;
  private folders: Found[] = [];
  private refreshing: Promise<void> | undefined;

  constructor(
    private readonly folder: SafeFolder,
    private readonly runControl: RunControl,
  ) {}

  /** Newest first, then by name. */
  get all(): RunSummary[] {
    return [...this.runs.values()].sort(
      (a, b) => b.startedAt.localeCompare(a.startedAt) || a.id.localeCompare(b.id),
    );
  }

  get(id: string): RunSummary | undefined {
    return this.runs.get(id);
  }

  /** Looks for changes, and for new folders if the last search is some seconds old. */
  refresh(): Promise<void> {
    this.refreshing ??= this.look().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  /** A run that was just started, so that it need not be searched for. */
  add(id: string): void {
    if (!this.folders.some((found) => found.id === id))
      this.folders = [...this.folders, { id, comparison: undefined }];
  }

  private async look(): Promise<void> {
    // Each search waits at least ten times as long as the last one took.
    const now = performance.now();
    if (now >= this.scanned) {
      const found: Found[] = [];
      await this.search("", 0, undefined, found);
      this.folders = found;
      this.scanned = performance.now() + Math.max(2000, 10 * (performance.now() - now));
    }
    const comparing = new Map<string, boolean>();
    for (const { comparison } of this.folders) {
      if (comparison !== undefined && !comparing.has(comparison))
        comparing.set(comparison, this.isHeld(comparison, "compare.lock"));
    }
    const runs = new Map<string, RunSummary>();
    await inParallel(this.folders, 16, async ({ id, comparison }) => {
      const isCompared = comparison !== undefined && comparing.get(comparison)!;
      // One run that cannot be read must not hide the others.
      const summary = await this.summary(id, comparison, isCompared).catch(() => this.runs.get(id));
      if (summary) runs.set(id, summary);
    });
    this.runs = runs;
  }

  private async search(
    way: string,
    depth: number,
    comparison: string | undefined,
    found: Found[],
  ): Promise<void> {
    const entries = await readdir(join(this.folder.root, way), { withFileTypes: true }).catch(() => []);
    const names = new Set(entries.map((entry) => entry.name));
    if (names.has(RUN_FILE)) {
      found.push({ id: way === "" ? "." : way, comparison });
      return;
    }
    const within = names.has(COMPARISON) ? (way === "" ? "." : way) : comparison;
    for (const entry of entries) {
      if (found.length >= MOST_RUNS || depth >= DEEPEST) return;
      // Links are not followed.
      if (!entry.isDirectory() || NOT_ENTERED.has(entry.name) || entry.name.startsWith(".")) continue;
      await this.search(posix.join(way, entry.name), depth + 1, within, found);
    }
  }

  private async summary(
    id: string,
    comparison: string | undefined,
    comparing: boolean,
  ): Promise<RunSummary | undefined> {
    const before = this.runs.get(id);
    // In an inactive run the record changes first, so one check is enough instead of six.
    const isAsBefore = before !== undefined && (before.comparing ?? false) === comparing;
    if (
      isAsBefore &&
      before.state !== "running" &&
      before.version.startsWith(`${await this.stamp(id, RUN_FILE)}/`)
    )
      return before;
    const version = await this.version(id);
    // A process that dies changes no file, so this is checked every time.
    const isDead = before?.state === "running" && !this.isHeld(id, "run.lock");
    if (isAsBefore && before.version === version && !isDead) return before;
    const file = await readRunFile(this.folder, id);
    // An unreadable record may be in the middle of writing, so the last known state stays.
    if (!file) return version.startsWith("/") ? undefined : before;
    const { method, student } = file.settings;
    const last = await this.newest(id);
    const headline = await this.headline(id, file);
    const evaluations = evaluationsOf(file);
    const picture = await this.picture(id, file);
    const seconds = file.result?.seconds ?? last?.seconds;
    return {
      id,
      ...(comparison === undefined ? {} : { comparison, comparing }),
      title: dataTitle(file),
      how: methodTitle(file),
      command: file.command,
      ...(file.preset === undefined ? {} : { preset: file.preset }),
      ...(typeof method === "string" ? { method } : {}),
      ...(typeof student === "string" ? { student } : {}),
      seed: file.seed,
      state: this.stateOf(id, file.state),
      ...(file.failure === undefined ? {} : { failure: file.failure.message }),
      startedAt: file.startedAt,
      ...(last ? { last } : {}),
      ...(headline ? { headline } : {}),
      ...(evaluations ? { evaluations } : {}),
      ...(picture ? { picture } : {}),
      ...(typeof seconds === "number" ? { seconds } : {}),
      version,
    };
  }

  private stateOf(id: string, state: RunState): RunState {
    return state === "running" && !this.isHeld(id, "run.lock") ? "interrupted" : state;
  }

  private isHeld(id: string, lock: string): boolean {
    const path = join(this.folder.root, id, lock);
    try {
      // A link could lead anywhere, and a pipe would make us wait.
      return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true && this.runControl.isHeld(path);
    } catch {
      // Without permission for the folder, we cannot see whether a process works in it.
      return false;
    }
  }

  /** The record's stamp first. */
  private async version(id: string): Promise<string> {
    return (await Promise.all(WATCHED.map((name) => this.stamp(id, name)))).join("/");
  }

  /** Size and time of change; empty if there is no file. */
  private async stamp(id: string, name: string): Promise<string> {
    try {
      const { size, mtimeMs } = await lstat(join(this.folder.root, id, name));
      return `${size}.${Math.round(mtimeMs)}`;
    } catch {
      return "";
    }
  }

  private async newest(id: string): Promise<LogLine | undefined> {
    return (await lastLine(this.folder, id, "live.jsonl")) ?? lastLine(this.folder, id, "metrics.jsonl");
  }

  private async headline(id: string, { result }: RunFile): Promise<RunSummary["headline"]> {
    for (const line of (await lastLines(this.folder, 16_384, id, "metrics.jsonl")).reverse()) {
      for (const name of ["fid", "slicedWasserstein", "trigramDivergence"]) {
        const value = line[name];
        if (typeof value !== "number") continue;
        const teacher = result?.[`teacher${name[0]!.toUpperCase()}${name.slice(1)}`];
        return {
          ...{ name, value, iteration: line.iteration },
          ...(typeof teacher === "number" ? { teacher } : {}),
        };
      }
    }
    return undefined;
  }

  private async picture(id: string, file: RunFile): Promise<RunSummary["picture"]> {
    const samples = await sampleFiles(this.folder, id);
    const newest = samples.frames.at(-1);
    if (!newest) return undefined;
    const grid = sampleGrid(file, samples);
    const { picture, texts } = newest;
    return { file: picture, ...(texts === undefined ? {} : { texts }), ...(grid ? { grid } : {}) };
  }
}

function evaluationsOf({ result }: RunFile): RunSummary["evaluations"] {
  const { studentEvaluations: student, teacherEvaluations: teacher } = result ?? {};
  return typeof student === "number" && typeof teacher === "number" ? { student, teacher } : undefined;
}

interface Found {
  id: string;
  comparison: string | undefined;
}

async function inParallel<Item>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
