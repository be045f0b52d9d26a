import { readFileSync, statSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { foreignJson } from "../../foreign-file.js";

/** The longest known index of shards is about 200 kB. */
const mostBytes = 16 * 2 ** 20;

/** An unchecked JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON object as Python writes it: infinite numbers are allowed. @throws DisbackError naming the file that is
 * missing, too large or not an object
 */
export function readJsonObject(path: string): JsonObject {
  let value: unknown;
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new DisbackError(`${path}: ${size} bytes are too many for this file`);
    value = parseJson(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const problem = error instanceof SyntaxError ? foreignJson(path) : (error as Error).message;
    throw new DisbackError(`${path}: ${missing ? "no such file" : problem}`);
  }
  if (!isObject(value)) throw new DisbackError(`${path}: not a JSON object`);
  return value;
}

/** Python writes `-Infinity` where JSON has no such number; 1e999 is read as one. */
function parseJson(text: string): unknown {
  const plain = text.replace(/^\ufeff/, "");
  if (!plain.includes("Infinity")) return JSON.parse(plain);
  const token = /"[^"\\]*(?:\\.[^"\\]*)*(?:"|$)|-?Infinity/g;
  return JSON.parse(
    plain.replace(token, (found) => (found.startsWith('"') ? found : found.replace("Infinity", "1e999"))),
  );
}

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
