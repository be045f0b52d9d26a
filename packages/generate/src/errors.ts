/** A foreign model or a wrong option, explained in one line. */
export class GenerateError extends Error {
  override name = "GenerateError";
}
