import { existsSync } from "node:fs";
import { DisbackError } from "../errors.js";
import { loadClassifierExtractor } from "../metrics/classifier-extractor.js";
import type { FeatureExtractor } from "../metrics/feature-extractor.js";
import { loadShippedExtractor, shippedExtractors } from "../metrics/shipped.js";
import { TorchScriptInception } from "../metrics/torch-script-inception.js";
import type { JudgeOptions } from "./judge.js";
import { didYouMean } from "./nearest.js";
import { kindOfSamples } from "./samples/kinds.js";

/** The feature space that was chosen, or the one that fits the samples; undefined where none does. */
export function openExtractor(
  options: Pick<JudgeOptions, "shown" | "device" | "extractor" | "inception">,
): FeatureExtractor | undefined {
  const { shown, device } = options;
  if (options.inception !== undefined) return new TorchScriptInception(options.inception, device);
  const names = shippedExtractors();
  if (options.extractor !== undefined) {
    if (existsSync(options.extractor)) return loadClassifierExtractor(options.extractor, device);
    if (names.includes(options.extractor)) return loadShippedExtractor(options.extractor, device);
    throw new DisbackError(
      `unknown extractor "${options.extractor}"${didYouMean(options.extractor, names)}; shipped: ${names.join(", ") || "none"}`,
    );
  }
  return kindOfSamples(shown).defaultExtractor(shown.shownShape, device);
}
