import { GenerateError } from "./errors.js";

/**
 * Refuses an option that there is not: a misspelt one would otherwise do nothing, unnoticed.
 * @throws GenerateError naming it and those there are
 */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new GenerateError(`${unknown}: there is no such option; there are ${known.join(", ")}`);
}
