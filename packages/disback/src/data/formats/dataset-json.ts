import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { Labels } from "../labels.js";

/** EDM's `dataset.json`: a label for each image, a class number or a row of numbers. */
const schema = z.object({
  labels: z
    .array(z.tuple([z.string(), z.union([z.number(), z.array(z.number()).min(1)])]))
    .nullable()
    .optional(),
});

/**
 * Labels of images from the text of a `dataset.json`.
 * @param paths the images, in the order wanted
 * @param count how many images the source holds in all
 * @param where the file, for errors
 * @returns `undefined` if the file states that there are none
 * @throws DisbackError if the text is no such JSON, or labels and images do not match
 */
export function parseDatasetJson(
  text: string,
  paths: string[],
  count: number,
  where: string,
): Labels | undefined {
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
  const list = parsed.data.labels;
  if (!list) return undefined;
  const byName = new Map(list);
  const labels = paths.map((path) => {
    const label = byName.get(path);
    if (label === undefined) throw new DisbackError(`${where} has no label for ${path}`);
    return label;
  });
  if (byName.size !== count)
    throw new DisbackError(`${where} lists ${byName.size} labels, but there are ${count} images`);
  return toLabels(labels, paths, where);
}

function toLabels(labels: (number | number[])[], paths: string[], where: string): Labels {
  const first = labels[0]!;
  const dim = Array.isArray(first) ? first.length : 0;
  const odd = labels.findIndex((label) => (Array.isArray(label) ? label.length : 0) !== dim);
  if (odd >= 0)
    throw new DisbackError(`${where}: the label of ${paths[odd]} has another shape than that of ${paths[0]}`);
  if (dim === 0) return Labels.fromClasses(labels as number[], where);
  return Labels.fromRows(Float32Array.from((labels as number[][]).flat()), dim, where);
}
