import type { z } from "zod";
import { DisbackError } from "./errors.js";

/** What a file holds, as a schema reads it. @throws DisbackError naming the file and its first wrong field */
export function parsedBy<S extends z.ZodType>(schema: S, value: unknown, path: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DisbackError(`${path}: ${issue!.path.join(".")}: ${issue!.message}`);
}
