import { statSync } from "node:fs";
import { arrayNames, loadEdmReference } from "./edm-reference.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import { loadReference, type Reference } from "./reference.js";

/**
 * Whether a file holds reference statistics rather than data: safetensors, or an `.npz` with `mu` and `sigma` and no
 * images beside them.
 */
export async function isReferenceFile(path: string): Promise<boolean> {
  if (path.endsWith(".safetensors")) return true;
  if (!path.endsWith(".npz") || !statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const names = await arrayNames(path);
  return (
    names.includes("mu") && names.includes("sigma") && !names.includes("arr_0") && !names.includes("images")
  );
}

/**
 * Reads a file of reference statistics of either kind.
 * @param extractor the extractor they are used with
 * @throws DisbackError when it is no such file, or an `.npz` of another width than the extractor's
 */
export async function loadReferenceFile(path: string, extractor: FeatureExtractor): Promise<Reference> {
  return path.endsWith(".npz") ? loadEdmReference(path, extractor) : loadReference(path);
}
