import { inferenceMode, scope, type Tensor } from "@disback/torch";
import { writeGrid } from "../../data/output/grid.js";
import { writePngFolder } from "../../data/output/png.js";
import { CoordinateExtractor } from "../../metrics/coordinate-extractor.js";
import type { SampleKind } from "./sample-kind.js";

/**
 * Values of any shape and range, such as maps of a physical quantity: judged by the sliced Wasserstein distance of the
 * values themselves, shown as the pictures that their model makes of them.
 *
 * @param picture samples `[N, ...]` to `[N, C, H, W]` in [-1, 1]
 */
export function valuesShownBy(picture: (samples: Tensor) => Tensor): SampleKind {
  const pictures = (samples: Tensor) => inferenceMode(() => scope(() => picture(samples).clone()));
  return {
    name: "values",
    values: true,
    matches: () => true,
    async draw(path, samples, { columns } = {}) {
      using shown = pictures(samples);
      await writeGrid(path, shown, columns === undefined ? {} : { columns });
    },
    async writeEach(folder, samples, first) {
      using shown = pictures(samples);
      await writePngFolder(folder, shown, first);
    },
    defaultExtractor: (shape) => new CoordinateExtractor(shape.reduce((product, size) => product * size, 1)),
    metrics: () => ["slicedWasserstein"],
    headline: () => ["slicedWasserstein"],
  };
}
