import type { FileHandle } from "node:fs/promises";
import { stageNames } from "./pages/index.js";
import type { SafeFolder } from "./safe-folder.js";
import type { LogLine, Stage } from "./wire.js";

const BLOCK = 1 << 20;
/** Longest valid line. */
const LONGEST_LINE = 1 << 16;

/**
 * Reads a log of JSON lines as it grows: each call reads what was added since the last. An incomplete last line waits
 * for its end. A file that was replaced or became shorter is read again.
 */
export class LogTail {
  private position = 0;
  private inode = 0;
  private rest = Buffer.alloc(0);

  constructor(
    private readonly folder: SafeFolder,
    private readonly parts: string[],
  ) {}

  /**
   * @param onLine called with each new line @param onReset called before lines are read from the beginning again
   * @returns whether anything changed
   */
  async read(onLine: (line: LogLine) => void, onReset: () => void): Promise<boolean> {
    let file: FileHandle;
    try {
      file = await this.folder.open(...this.parts);
    } catch {
      return this.reset(onReset);
    }
    try {
      const { size, ino } = await file.stat();
      const replaced = ino !== this.inode || size < this.position;
      if (replaced) this.reset(onReset);
      this.inode = ino;
      if (size === this.position) return replaced;
      await this.readTo(file, size, onLine);
      return true;
    } finally {
      await file.close();
    }
  }

  private async readTo(file: FileHandle, size: number, onLine: (line: LogLine) => void): Promise<void> {
    const block = Buffer.allocUnsafe(Math.min(BLOCK, size - this.position));
    while (this.position < size) {
      const { bytesRead } = await file.read(
        block,
        0,
        Math.min(block.length, size - this.position),
        this.position,
      );
      if (bytesRead === 0) return;
      this.position += bytesRead;
      const text = Buffer.concat([this.rest, block.subarray(0, bytesRead)]);
      const end = text.lastIndexOf(10) + 1;
      for (const line of text.toString("utf8", 0, end).split("\n")) parseInto(line, onLine);
      const rest = text.subarray(end);
      this.rest = Buffer.from(rest.length > LONGEST_LINE ? [] : rest);
    }
  }

  private reset(onReset: () => void): boolean {
    const before = this.position > 0;
    this.position = 0;
    this.rest = Buffer.alloc(0);
    if (before) onReset();
    return before;
  }
}

/** The newest complete line of a log, without reading the rest. */
export async function lastLine(folder: SafeFolder, ...parts: string[]): Promise<LogLine | undefined> {
  const lines = await lastLines(folder, 16_384, ...parts);
  return lines.at(-1);
}

/** The complete lines among the last `bytes` of a log; none if it cannot be read. */
export async function lastLines(folder: SafeFolder, bytes: number, ...parts: string[]): Promise<LogLine[]> {
  const file = await folder.open(...parts).catch(() => undefined);
  if (!file) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - bytes);
    const block = Buffer.alloc(size - start);
    await file.read(block, 0, block.length, start);
    const text = block.toString("utf8");
    const whole = text.slice(start === 0 ? 0 : text.indexOf("\n") + 1, text.lastIndexOf("\n") + 1);
    const lines: LogLine[] = [];
    for (const line of whole.split("\n")) parseInto(line, (value) => lines.push(value));
    return lines;
  } catch {
    // A temporary failure of a disk or file server.
    return [];
  } finally {
    await file.close();
  }
}

function parseInto(line: string, onLine: (line: LogLine) => void): void {
  if (line === "") return;
  try {
    const value = JSON.parse(line) as Partial<LogLine> | null;
    if (stageNames.includes(value?.stage as Stage) && typeof value?.iteration === "number")
      onLine(value as LogLine);
  } catch {
    // Broken lines are skipped; the rest is shown.
  }
}
