import { type Generator, noGrad, randn, type Tensor } from "@disback/torch";
import { denoisingWeight, perSample } from "./denoising-loss.js";
import type { NoiseDistribution } from "./noise-distribution.js";
import type { StudentSignal } from "./objective.js";

/** Samples at random noise levels. */
export interface NoisedSamples {
  /** noise levels `[N]` */
  sigma: Tensor;
  /** `x_t = x0 + sigma n`, shape of the samples */
  noised: Tensor;
}

/** Noised samples, and the auxiliary model's estimate for them. */
export interface NoisedEstimate extends NoisedSamples {
  /** `D_phi(x_t; sigma)`, shape of the samples, without a graph */
  fitted: Tensor;
}

/** Adds noise to samples: draws the levels `[N]`, then the noise. The graph, if there is one, passes through. */
export function addNoise(samples: Tensor, levels: NoiseDistribution, generator: Generator): NoisedSamples {
  const { device, shape, ndim } = samples;
  const sigma = levels.sample(shape[0]!, generator, device);
  const noise = randn(shape, { generator, device });
  return { sigma, noised: noise.mul_(perSample(sigma, ndim)).add_(samples) };
}

/**
 * The estimates of the auxiliary model and the target for the same noised samples. All are `[N, ...]` except sigma,
 * `[N]`.
 */
export interface Estimates {
  clean: Tensor;
  sigma: Tensor;
  /** the auxiliary model's estimate, `D_phi(x_t; sigma)` */
  fitted: Tensor;
  /** the target's estimate, `D'_i(x_t; sigma)` */
  wanted: Tensor;
}

/** The difference between the auxiliary model and the target over the objective's noise levels. */
export function agreement(
  { clean, sigma, fitted, wanted }: Estimates,
  sigmaData: number,
): Pick<StudentSignal, "difference" | "targetError" | "auxiliaryError"> {
  return noGrad(() => {
    const weight = perSample(denoisingWeight(sigma, sigmaData), clean.ndim);
    const error = (estimate: Tensor) => estimate.sub(clean).square().mul(weight).mean();
    return {
      difference: fitted.sub(wanted).square().mean(),
      targetError: error(wanted),
      auxiliaryError: error(fitted),
    };
  });
}

/**
 * DMD's normaliser (Yin et al. 2024, eq. 8; SiD uses it too): the target's mean absolute error on each sample, so that
 * no noise level dominates. A constant (no gradient), at least 1e-5.
 * @returns `[N, 1, ...]`
 */
export function targetError({ clean, wanted }: Estimates): Tensor {
  const dimensions = Array.from({ length: clean.ndim - 1 }, (_, index) => index + 1);
  return noGrad(() => clean.sub(wanted).abs().mean(dimensions, true).clamp(1e-5));
}

/** Replaces rows that hold a NaN or an infinity by zeros, so that one bad sample does not spoil the batch. */
export function withoutSpoiltSamples(gradient: Tensor): Tensor {
  const count = gradient.shape[0]!;
  const spoilt = gradient.reshape([count, -1]).sum(1).isfinite().logicalNot();
  return gradient.maskedFill(perSample(spoilt, gradient.ndim), 0);
}
