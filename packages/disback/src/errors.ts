/** A mistake of the user's or of their files: shown as one line, without a stack trace. */
export class DisbackError extends Error {
  override name = "DisbackError";
}

/** Wrong usage of the command line (exit code 2). */
export class UsageError extends DisbackError {
  override name = "UsageError";
}
