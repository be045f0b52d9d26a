import type { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { DiffusersComponent } from "./folder.js";

/**
 * Checks a component's configuration and fills in diffusers' defaults.
 * @throws DisbackError naming the file and the fields that are wrong
 */
export function parseFields<Schema extends z.ZodType>(
  schema: Schema,
  { config, configPath }: DiffusersComponent,
): z.output<Schema> {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `"${path.join(".")}": ${message}`);
  throw new DisbackError(`${configPath}: ${problems.join("; ")}`);
}
