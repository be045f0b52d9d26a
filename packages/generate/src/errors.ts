/** A model that is none of ours, or a wrong option: one line that says which. */
export class GenerateError extends Error {
  override name = "GenerateError";
}
