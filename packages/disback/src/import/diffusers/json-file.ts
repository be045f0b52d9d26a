import { readFileSync, statSync } from "node:fs";
import { DisbackError } from "../../errors.js";

/** The longest index of shards seen takes some 200 kB. */
const mostBytes = 16 * 2 ** 20;

/** A JSON object as a file holds it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON object.
 * @param limit the most bytes it may have
 * @throws DisbackError naming the file that is missing, too large or no object
 */
export function readJsonObject(path: string, limit = mostBytes): JsonObject {
  let value: unknown;
  try {
    const { size } = statSync(path);
    if (size > limit) throw new DisbackError(`${path}: ${size} bytes are too many for such a file`);
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const problem = error instanceof SyntaxError ? "not valid JSON" : (error as Error).message;
    throw new DisbackError(`${path}: ${missing ? "no such file" : problem}`);
  }
  if (!isObject(value)) throw new DisbackError(`${path}: not a JSON object`);
  return value;
}

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
