import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { type StageName, stageNames } from "@disback/studio/pages";
import { DisbackError } from "../errors.js";
import { fileError } from "./atomic-file.js";

/** One evaluation. Figures that do not apply are left out. */
export interface MetricsEntry {
  stage: StageName;
  /** Completed iterations of this stage. */
  iteration: number;
  /** Samples seen by the trained networks in this stage. */
  images: number;
  /** Wall-clock seconds of the whole run, without interruptions. */
  seconds: number;
  /** Wall-clock seconds of this stage's steps, without evaluations and saving. */
  stepSeconds?: number;
  /** The same in processor time of all threads; with several processes, of the first. */
  processorSeconds?: number;
  fid?: number;
  /** Mismatch degree (see docs). */
  mismatch?: number;
  /** The trajectory's node that is the target; 0 is the teacher itself. */
  target?: number;
  [figure: string]: string | number | undefined;
}

/**
 * `metrics.jsonl`: one JSON object per line, only ever appended to.
 *
 * A killed process may leave an incomplete last line: readers skip it, and the next writer removes it. A run resumed
 * from a checkpoint repeats later evaluations: readers keep the last one of each iteration.
 */
export class MetricsLog {
  constructor(readonly path: string) {}

  append(entry: MetricsEntry): void {
    try {
      const file = openSync(this.path, "a+");
      try {
        cutTornLine(file);
        writeSync(file, `${JSON.stringify(finiteOrText(entry))}\n`);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      throw fileError("write", this.path, error);
    }
  }

  /** All evaluations in order, `[]` if there are none. @throws DisbackError for a broken line before the last */
  read(): MetricsEntry[] {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw fileError("read", this.path, error);
    }
    const lines = text.split("\n");
    // After the last line feed there is nothing, or the incomplete line of a killed writer.
    lines.pop();
    const entries = new Map<string, MetricsEntry>();
    for (const [index, line] of lines.entries()) {
      const entry = parseLine(line);
      if (!entry) throw new DisbackError(`${this.path}:${index + 1}: not a line of metrics`);
      const key = `${entry.stage} ${entry.iteration}`;
      entries.delete(key);
      entries.set(key, entry);
    }
    return [...entries.values()].sort(byStageAndIteration);
  }
}

function byStageAndIteration(a: MetricsEntry, b: MetricsEntry): number {
  return stageNames.indexOf(a.stage) - stageNames.indexOf(b.stage) || a.iteration - b.iteration;
}

function parseLine(line: string): MetricsEntry | undefined {
  try {
    const value = JSON.parse(line) as MetricsEntry | null;
    if (value === null || typeof value !== "object" || !stageNames.includes(value.stage)) return undefined;
    const numbers = [
      value.iteration,
      value.images,
      value.seconds,
      value.stepSeconds ?? 0,
      value.processorSeconds ?? 0,
    ];
    return numbers.every((number) => typeof number === "number") ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON has no NaN and no infinity. As text they stay visible instead of becoming null. */
function finiteOrText(entry: MetricsEntry): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [
      name,
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    ]),
  );
}

function cutTornLine(file: number): void {
  const { size } = fstatSync(file);
  const block = Buffer.alloc(4096);
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - block.length);
    const length = readSync(file, block, 0, end - start, start);
    const lineFeed = block.subarray(0, length).lastIndexOf(10);
    if (lineFeed >= 0) {
      end = start + lineFeed + 1;
      break;
    }
    end = start;
  }
  if (end < size) ftruncateSync(file, end);
}
