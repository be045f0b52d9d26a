import { GenerateError } from "./errors.js";

/**
 * Refuses unknown options, because a misspelt one would have no effect. @throws GenerateError naming it and the known
 * ones
 */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new GenerateError(`${unknown}: there is no such option; known are ${known.join(", ")}`);
}
