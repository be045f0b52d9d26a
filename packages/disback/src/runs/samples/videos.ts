import { writeClipFolder, writeClips } from "../../data/output/clips.js";
import type { MetricName } from "../../metrics/evaluate.js";
import { shippedExtractorFor } from "../../metrics/shipped.js";
import type { JudgedBy, SampleKind } from "./sample-kind.js";

/** Clips `[C, T, H, W]` in [-1, 1]: shown as moving grids, evaluated by FID of clips; moving digits by their motion too. */
export const videos: SampleKind = {
  name: "videos",
  moving: true,
  values: true,
  matches: (shape) => shape.length === 4,
  draw: (path, samples, { columns, captions } = {}) =>
    writeClips(path, samples, {
      ...(columns === undefined ? {} : { columns }),
      ...(captions ? { captions } : {}),
    }),
  writeEach: writeClipFolder,
  defaultExtractor: shippedExtractorFor,
  metrics: (by) => ["fid", "kid", "precisionRecall", ...ofMotion(by)],
  headline: (by) => ["fid", ...ofMotion(by)],
};

function ofMotion({ digits }: JudgedBy): MetricName[] {
  return digits ? ["motionError", "readableDigits", "readableFrames"] : [];
}
