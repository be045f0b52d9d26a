import { readSafetensors, scope, type Tensor, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import type { Statistics } from "./statistics.js";

/** What generated samples are compared with: a dataset seen through an extractor. */
export interface Reference {
  statistics: Statistics;
  /** `[R, F]` float32: features of a fixed random part of the dataset, for KID, precision and recall; R may be 0. */
  features: Tensor;
  /** Name of the extractor and SHA-256 of what determines its features. */
  extractor: string;
  extractorHash: string;
  /** Name of the dataset and its fingerprint. */
  dataset: string;
  datasetHash: string;
}

/** Writes a reference as one safetensors file. @param options.exact features in float32, default float16 */
export function saveReference(
  file: string,
  reference: Reference,
  { exact = false }: { exact?: boolean } = {},
): void {
  const { mean, covariance, count } = reference.statistics;
  scope(() =>
    writeSafetensors(
      file,
      { mean, covariance, features: reference.features.to(exact ? "float32" : "float16") },
      {
        kind: "disback-reference",
        count: String(count),
        extractor: reference.extractor,
        extractorHash: reference.extractorHash,
        dataset: reference.dataset,
        datasetHash: reference.datasetHash,
      },
    ),
  );
}

/**
 * Reads a file written by {@link saveReference}.
 * @throws DisbackError naming the file if it is not a reference
 */
export function loadReference(file: string): Reference {
  return scope(() => {
    const { tensors, metadata } = readSafetensors(file);
    const [mean, covariance, features] = ["mean", "covariance", "features"].map((name) => tensors.get(name));
    const count = Number(metadata["count"]);
    if (metadata["kind"] !== "disback-reference" || !mean || !covariance || !features || !(count >= 2)) {
      throw new DisbackError(`${file}: not a file of reference statistics`);
    }
    const width = mean.numel;
    if (covariance.shape.join() !== `${width},${width}` || features.shape[1] !== width) {
      throw new DisbackError(
        `${file}: mean, covariance and features do not have the same number of features`,
      );
    }
    return {
      statistics: { mean: mean.double().clone(), covariance: covariance.double().clone(), count },
      features: features.float(),
      extractor: metadata["extractor"] ?? "",
      extractorHash: metadata["extractorHash"] ?? "",
      dataset: metadata["dataset"] ?? "",
      datasetHash: metadata["datasetHash"] ?? "",
    };
  });
}

/**
 * @throws DisbackError if the reference was made with another extractor, because the numbers would be meaningless
 */
export function requireSameExtractor(reference: Reference, extractor: FeatureExtractor): void {
  if (reference.extractorHash !== extractor.contentHash) {
    throw new DisbackError(
      `The reference statistics of ${reference.dataset} were made with another extractor ` +
        `(${reference.extractor}) than ${extractor.name}`,
    );
  }
}
