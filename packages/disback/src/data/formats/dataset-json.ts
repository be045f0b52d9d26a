import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { LabelValue } from "../labels.js";

/** EDM's `dataset.json`: a label for each image, a class number or a row of numbers; names are read as well. */
const schema = z.object({
  labels: z
    .array(z.tuple([z.string(), z.union([z.number(), z.string(), z.array(z.number()).min(1)])]))
    .nullable()
    .optional(),
});

/**
 * The labels in the text of a `dataset.json`, by the images' names.
 * @param where the file, for errors
 * @returns `undefined` if the file states that there are none
 * @throws DisbackError if the text is no such JSON
 */
export function parseDatasetJson(text: string, where: string): Map<string, LabelValue> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DisbackError(`${where} is not valid JSON (${(error as Error).message})`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new DisbackError(`${where}: ${issue.path.join(".") || "contents"}: ${issue.message}`);
  }
  return parsed.data.labels ? new Map(parsed.data.labels) : undefined;
}
