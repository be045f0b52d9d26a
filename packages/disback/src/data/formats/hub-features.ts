import type { FileMetaData } from "hyparquet";
import { z } from "zod";
import { DisbackError } from "../../errors.js";

/** What Hugging Face's `datasets` writes about the columns of a Parquet file. */
export interface HubFeatures {
  /** columns of images */
  images: Set<string>;
  /** names of the classes of label columns */
  classNames: Map<string, readonly string[]>;
}

const feature = z.object({ _type: z.string().optional(), names: z.array(z.string()).optional() });
const schema = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()).optional() }).optional(),
});

/**
 * The features in a file's "huggingface" metadata; nothing for a file of others.
 * @throws DisbackError if that metadata is no JSON
 */
export function hubFeatures({ key_value_metadata = [] }: FileMetaData, path: string): HubFeatures {
  const result: HubFeatures = { images: new Set(), classNames: new Map() };
  const text = key_value_metadata.find(({ key }) => key === "huggingface")?.value;
  if (!text) return result;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DisbackError(`${path}: its "huggingface" metadata is not valid JSON`);
  }
  const features = schema.safeParse(json).data?.info?.features ?? {};
  for (const [column, value] of Object.entries(features)) {
    const { _type, names } = feature.safeParse(value).data ?? {};
    if (_type === "Image") result.images.add(column);
    if (_type === "ClassLabel" && names) result.classNames.set(column, names);
  }
  return result;
}
