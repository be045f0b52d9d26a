// How sets of galaxies are compared. Pixels are x = 10 ln(1 + flux).
import { scope } from "@disback/torch";
import { openDataset } from "disback/data";
import { slicedWasserstein } from "disback/metrics";

/** All samples of an `.npz`, as the values they are: `[N, 1, side, side]`. */
export async function readSamples(path) {
  const dataset = await openDataset(path, { values: true });
  return (await dataset.batch(Array.from({ length: dataset.length }, (_, index) => index))).samples;
}

/**
 * - `distance`: sliced Wasserstein distance of the pixels x
 * - `flux`, `peak`: Wasserstein distance of the total flux of a galaxy, and of its brightest pixel's flux
 * - `medianFlux`, `medianPeak`: of the first set
 */
export function compare(samples, reference) {
  return scope(() => {
    const [ours, theirs] = [samples, reference].map((set) => {
      const pixels = set.flatten(1);
      const flux = pixels.div(10).exp().sub(1);
      return { pixels, flux: flux.sum(1, true), peak: flux.amax(1, true) };
    });
    const apart = (name) => slicedWasserstein(ours[name], theirs[name], { projections: 1, order: 1 });
    return {
      distance: slicedWasserstein(ours.pixels, theirs.pixels),
      ...{ flux: apart("flux"), peak: apart("peak") },
      ...{ medianFlux: median(ours.flux), medianPeak: median(ours.peak) },
    };
  });
}

function median(values) {
  const sorted = values.flatten().data().sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
