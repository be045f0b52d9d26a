/** Text that may come from a file, without what would break lines or steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "?");
}

/** Characters of a message; what is longer came out of a file, and loses its middle. */
const longest = 1200;

/** A mistake of the user's or of their files: shown as one line, without a stack trace. */
export class DisbackError extends Error {
  override name = "DisbackError";

  /** @param message may hold names out of files, whatever they are */
  constructor(message: string, options?: ErrorOptions) {
    const line = printable(message);
    super(line.length > longest ? `${line.slice(0, longest - 300)} … ${line.slice(-300)}` : line, options);
  }
}

/** Wrong usage of the command line (exit code 2). */
export class UsageError extends DisbackError {
  override name = "UsageError";
}
