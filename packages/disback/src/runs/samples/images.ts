import { writeGrid } from "../../data/output/grid.js";
import { writePngFolder } from "../../data/output/png.js";
import { shippedExtractorFor } from "../../metrics/shipped.js";
import type { SampleKind } from "./sample-kind.js";

/** Images `[C, H, W]` in [-1, 1]: shown as grids, evaluated by FID. */
export const images: SampleKind = {
  name: "images",
  matches: (shape) => shape.length === 3,
  draw: (path, samples, { columns, captions } = {}) =>
    writeGrid(path, samples, {
      ...(columns === undefined ? {} : { columns }),
      ...(captions ? { captions } : {}),
    }),
  writeEach: (folder, samples, first) => writePngFolder(folder, samples, first),
  defaultExtractor: shippedExtractorFor,
  metrics({ extractor }) {
    const always = ["fid", "kid", "precisionRecall"] as const;
    return extractor.probabilities ? [...always, "inceptionScore"] : [...always];
  },
  headline: () => ["fid"],
};
