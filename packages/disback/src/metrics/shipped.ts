import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type ClassifierExtractor, loadClassifierExtractor } from "./classifier-extractor.js";
import { loadReference, type Reference } from "./reference.js";

const assets = fileURLToPath(new URL("../../assets/", import.meta.url));

/** Names of the extractors that come with the package. */
export function shippedExtractors(): string[] {
  const folder = join(assets, "extractors");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/**
 * Opens an extractor that comes with the package.
 * @param name for example `fashion-mnist-16-classifier`
 */
export function loadShippedExtractor(name: string, device: Device = "cpu"): ClassifierExtractor {
  if (!shippedExtractors().includes(name)) {
    throw new DisbackError(`Unknown extractor "${name}"; there are: ${shippedExtractors().join(", ")}`);
  }
  return loadClassifierExtractor(join(assets, "extractors", name), device);
}

/** The first extractor that comes with the package and takes samples of this shape. */
export function shippedExtractorFor(
  shape: readonly number[],
  device?: Device,
): ClassifierExtractor | undefined {
  for (const name of shippedExtractors()) {
    const extractor = loadShippedExtractor(name, device);
    if (extractor.sampleShape.join() === shape.join()) return extractor;
    extractor.dispose();
  }
  return undefined;
}

/** Statistics of the training set that the extractor of this name was trained on. */
export function loadShippedReference(name: string): Reference {
  const file = join(assets, "references", `${name}.safetensors`);
  if (!existsSync(file))
    throw new DisbackError(`No reference statistics for extractor "${name}" come with the package`);
  return loadReference(file);
}
