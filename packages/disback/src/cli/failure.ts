import { DisbackError, UsageError } from "../errors.js";

/** How a command failed: message and exit code. */
export interface Failure {
  message: string;
  /** 1 user or data error, 2 wrong usage, 130 / 143 stopped by a signal, 70 a bug in disback. */
  exitCode: number;
  /** Only for bugs: for the bug report. */
  stack?: string;
}

/** Turns anything thrown into one line and an exit code. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: firstLine(String(error)), exitCode: 1 };
  if (error instanceof UsageError) return { message: firstLine(error.message), exitCode: 2 };
  const { exitCode } = error as { exitCode?: unknown };
  if (error instanceof DisbackError) {
    return { message: firstLine(error.message), exitCode: typeof exitCode === "number" ? exitCode : 1 };
  }
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "ERR_MODULE_NOT_FOUND") return { message: firstLine(error.message), exitCode: 1 };
  if (isOutOfMemory(error)) {
    return {
      message: `${firstLine(error.message)}; smaller batches, fewer samples or a smaller network need less memory`,
      exitCode: 1,
    };
  }
  // Errors of the tensor library and the system come from the user's input: a file, a shape, a full disk.
  if (isTorchError(error) || code !== undefined) {
    const where = path && !error.message.includes(path) ? `${path}: ` : "";
    return { message: where + firstLine(error.message), exitCode: 1 };
  }
  return { message: firstLine(error.message), exitCode: 70, ...(error.stack ? { stack: error.stack } : {}) };
}

/** Commander's message in one line. Commander puts its suggestion on a second line. */
export function usageError(error: { message: string; code: string }, words: readonly string[]): UsageError {
  const message = error.message
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  const flag = words.findIndex((word) => word.startsWith("-"));
  const names = words.slice(0, flag < 0 ? undefined : flag).slice(0, words[0] === "teacher" ? 2 : 1);
  const unknown = error.code === "commander.unknownCommand";
  const command = ["disback", ...(unknown ? names.slice(0, -1) : names), "--help"].join(" ");
  const isClear = message.includes("Did you mean") || error.code === "commander.optionMissingArgument";
  return new UsageError(isClear ? message : `${message}; see ${command}`);
}

/** Messages of our allocator, CUDA's, C++'s and JavaScript's. */
function isOutOfMemory(error: Error): boolean {
  return /out of memory|bad_alloc|can't allocate memory|allocation failed/i.test(error.message);
}

/** By name along the prototype chain, because the library that defines the class may have failed to load. */
function isTorchError(error: Error): boolean {
  for (let type = Object.getPrototypeOf(error); type; type = Object.getPrototypeOf(type)) {
    if (type.constructor?.name === "TorchError") return true;
  }
  return false;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]!;
}
