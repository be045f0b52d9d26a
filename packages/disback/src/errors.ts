/** Removes line breaks and terminal control characters from text that may come from a file. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "?");
}

/** Largest number of characters in a message. A longer one quotes a file, and loses its middle. */
const longest = 1200;

/** An error in the user's input or files: shown as one line, without a stack trace. */
export class DisbackError extends Error {
  override name = "DisbackError";

  /** @param message may contain any text from files */
  constructor(message: string, options?: ErrorOptions) {
    const line = printable(message);
    super(line.length > longest ? `${line.slice(0, longest - 300)} … ${line.slice(-300)}` : line, options);
  }
}

/** Wrong usage of the command line (exit code 2). */
export class UsageError extends DisbackError {
  override name = "UsageError";
}
