// A whole evaluation.

export { type Evaluation, type EvaluationOptions, evaluate, type MetricName } from "../metrics/evaluate.js";

// Figures.

export { frechetDistance } from "../metrics/frechet-distance.js";
export { inceptionScore } from "../metrics/inception-score.js";
export { type KernelDistanceOptions, kid } from "../metrics/kernel-distance.js";
export { type ModeCoverage, modeCoverage } from "../metrics/mode-coverage.js";
export { type PrecisionRecall, precisionRecall } from "../metrics/precision-recall.js";
export { type SlicedWassersteinOptions, slicedWasserstein } from "../metrics/sliced-wasserstein.js";
export { computeStatistics, type Statistics } from "../metrics/statistics.js";

// Feature extractors and reference statistics.

export { ClassifierExtractor, loadClassifierExtractor } from "../metrics/classifier-extractor.js";
export { CoordinateExtractor } from "../metrics/coordinate-extractor.js";
export { loadEdmReference } from "../metrics/edm-reference.js";
export type { FeatureExtractor } from "../metrics/feature-extractor.js";
export { loadReference, type Reference, saveReference } from "../metrics/reference.js";
export { isReferenceFile, loadReferenceFile } from "../metrics/reference-file.js";
export { referenceStatistics } from "../metrics/reference-statistics.js";
export { loadShippedExtractor, loadShippedReference, shippedExtractors } from "../metrics/shipped.js";
export { TorchScriptInception } from "../metrics/torch-script-inception.js";
