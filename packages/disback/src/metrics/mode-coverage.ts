import { fromTypedArray, inferenceMode, scope, type Tensor } from "@disback/torch";
import type { MixtureModes } from "../data/toys/distribution.js";
import { DisbackError } from "../errors.js";

/** Result of {@link modeCoverage}, both from 0 to 1. */
export interface ModeCoverage {
  /** Fraction of modes with at least one sample within 3 standard deviations. */
  coverage: number;
  /** Fraction of samples within 3 standard deviations of a mode. */
  highQuality: number;
}

/**
 * The fraction of modes of a known mixture that are found, and of samples that belong to one (as in VEEGAN, Srivastava
 * et al. 2017).
 * @param samples `[N, D]`
 */
export function modeCoverage(samples: Tensor, modes: MixtureModes): ModeCoverage {
  const dimension = modes.centers[0]?.length ?? 0;
  if (samples.ndim !== 2 || samples.shape[1] !== dimension || samples.shape[0] === 0) {
    throw new DisbackError(
      `Mode coverage expects samples [N, ${dimension}], got [${samples.shape.join(", ")}]`,
    );
  }
  return inferenceMode(() =>
    scope(() => {
      const centers = fromTypedArray(Float64Array.from(modes.centers.flat()), [
        modes.centers.length,
        dimension,
      ]);
      const difference = samples.cpu().double().unsqueeze(1).sub(centers.unsqueeze(0)); // [N, K, D]
      const within = difference
        .square()
        .sum(2)
        .le((3 * modes.deviation) ** 2)
        .double();
      return { coverage: within.amax(0).mean().item(), highQuality: within.amax(1).mean().item() };
    }),
  );
}
