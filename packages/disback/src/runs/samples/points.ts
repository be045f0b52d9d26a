import { cat, scope, type Tensor, zerosLike } from "@disback/torch";
import { formatNpy } from "../../data/formats/npy.js";
import { readFloats } from "../../data/output/read-floats.js";
import { replaceFile } from "../../data/output/replace-file.js";
import { writeScatter } from "../../data/output/scatter.js";
import { CoordinateExtractor } from "../../metrics/coordinate-extractor.js";
import type { SampleKind } from "./sample-kind.js";

/**
 * Points `[D]` of any dimension: shown as scatter plots of the first two coordinates, evaluated by the sliced
 * Wasserstein distance. 1-D points lie on the horizontal axis. Unless the points are 2-D, the picture says what it
 * shows.
 */
export const points: SampleKind = {
  name: "points",
  matches: (shape) => shape.length === 1,
  async draw(path, samples) {
    const dimension = samples.shape[1]!;
    const shown = scope(() => firstTwo(samples));
    const title = dimension === 2 ? {} : { title: titleOf(dimension) };
    await writeScatter(path, shown, { ...title, ...extentOf(samples, dimension) });
    shown.dispose();
  },
  async drawBeside(picturePath, samples) {
    // The studio animates each point between evaluations; it draws 2-D points only.
    if (samples.shape[1] !== 2) return;
    const file = formatNpy(readFloats(samples), samples.shape);
    await replaceFile(picturePath.replace(/\.png$/, ".npy"), [file]);
  },
  defaultExtractor: (shape) => new CoordinateExtractor(shape[0]!),
  metrics: ({ modes }) => (modes ? ["slicedWasserstein", "modeCoverage"] : ["slicedWasserstein"]),
  headline: ({ modes }) => (modes ? ["slicedWasserstein", "modeCoverage"] : ["slicedWasserstein"]),
};

function firstTwo(samples: Tensor): Tensor {
  if (samples.shape[1] === 1) return cat([samples, zerosLike(samples)], 1);
  return samples.narrow(1, 0, 2).clone();
}

function titleOf(dimension: number): string {
  return dimension === 1 ? "1 dimension" : `the first 2 of ${dimension} dimensions`;
}

/**
 * Toy data fit the default axes. Other points get axes that contain them, in powers of two, so that pictures can be
 * compared.
 */
function extentOf(samples: Tensor, dimension: number): { extent?: number } {
  if (dimension === 2) return {};
  const largest = scope(() => samples.abs().max().item());
  return Number.isFinite(largest) && largest > 1.5 ? { extent: 2 ** Math.ceil(Math.log2(largest)) } : {};
}
