import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cat, inferenceMode, keep, scope, type Tensor } from "@disback/torch";
import type { Dataset } from "../data/dataset.js";
import { datasetBatches } from "./batches.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import { loadReference, type Reference, saveReference } from "./reference.js";
import { computeStatistics } from "./statistics.js";

/** Features kept for KID, precision and recall: enough for these, small enough to ship. */
const keptFeatures = 3000;
const batchSize = 256;

/**
 * Statistics of a whole dataset, computed once. The name of the cache file depends on the content of dataset and
 * extractor, so old statistics are never used for others.
 * @param cacheFolder created when missing
 * @param onProgress called after each batch and waited for, if they are not in the cache
 */
export async function referenceStatistics(
  dataset: Dataset,
  extractor: FeatureExtractor,
  cacheFolder: string,
  onProgress?: ReadingProgress,
): Promise<Reference> {
  const datasetHash = await dataset.fingerprint();
  const key = createHash("sha256")
    .update(`${datasetHash} ${extractor.contentHash}${extractor.exact ? " float32" : ""}`)
    .digest("hex")
    .slice(0, 20);
  const file = join(cacheFolder, `${key}.safetensors`);
  if (existsSync(file)) return loadReference(file);
  const reference = await computeReference(dataset, extractor, datasetHash, onProgress);
  mkdirSync(cacheFolder, { recursive: true });
  saveReference(file, reference, extractor);
  for (const tensor of [reference.features, reference.statistics.mean, reference.statistics.covariance])
    tensor.dispose();
  // Read back, because the file is rounded: the first run then gets the same figures as later ones.
  return loadReference(file);
}

/** Samples seen so far, of all that will be. */
export type ReadingProgress = (done: number, total: number) => unknown;

/** The same without a cache. */
export async function computeReference(
  dataset: Dataset,
  extractor: FeatureExtractor,
  datasetHash: string,
  onProgress?: ReadingProgress,
): Promise<Reference> {
  const batches = followed(datasetBatches(dataset, batchSize), dataset.length, onProgress);
  return {
    statistics: await computeStatistics(extractor, batches),
    features: await featuresOfRandomPart(dataset, extractor),
    extractor: extractor.name,
    extractorHash: extractor.contentHash,
    dataset: dataset.name,
    datasetHash,
  };
}

async function* followed(
  batches: AsyncIterable<Tensor>,
  total: number,
  onProgress: ReadingProgress | undefined,
): AsyncGenerator<Tensor> {
  let done = 0;
  for await (const batch of batches) {
    done += batch.shape[0]!;
    yield batch;
    await onProgress?.(done, total);
  }
}

async function featuresOfRandomPart(dataset: Dataset, extractor: FeatureExtractor): Promise<Tensor> {
  const parts: Tensor[] = [];
  for await (const samples of datasetBatches(dataset, batchSize, keptFeatures)) {
    parts.push(keep(inferenceMode(() => scope(() => extractor.features(samples).cpu()))));
    samples.dispose();
  }
  const features = cat(parts);
  for (const part of parts) part.dispose();
  return features;
}
