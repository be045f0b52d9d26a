import { type Generator, randn, type Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { Denoiser } from "../models/denoiser.js";
import type { NoiseDistribution } from "./noise-distribution.js";
import type { NoisedEstimate } from "./score-comparison.js";

/** Options of `denoisingLoss`. */
export interface DenoisingLossOptions {
  /** draws the noise levels and the noise; on the samples' device */
  random: Generator;
  /** condition of each sample */
  condition?: Condition | undefined;
  /** is told what the loss was computed from; not of a denoiser with a loss of its own */
  onEstimate?: (estimate: NoisedEstimate) => void;
}

/**
 * The denoising loss: how badly a denoiser restores samples from noise (Karras et al. 2022, eq. 2 with the weight of
 * table 1):
 *
 *     L = E lambda(sigma) mean((D(x0 + sigma n; sigma) - x0)^2),   lambda = (sigma^2 + sigmaData^2) / (sigma sigmaData)^2
 *
 * Teachers minimise it on data; the degraded teacher (DisBack, eq. 7) and the auxiliary model minimise it on the
 * student's samples. The squares are averaged over the elements of a sample, not summed as in the paper, so that the
 * figure means the same at every resolution; Adam does not see the constant factor. sigmaData comes from the denoiser.
 * A denoiser with a loss of its own (`restorationLoss`: cross-entropy for letters) is measured by that instead.
 *
 * Draws from the generator, in this order: noise levels `[N]`, then noise of the shape of `x0`.
 *
 * @param x0 clean samples `[N, ...]`, taken as constants
 * @param noiseDistribution where sigma comes from
 * @returns the loss, a tensor `[]` to call `backward()` on
 */
export function denoisingLoss(
  denoiser: Denoiser,
  x0: Tensor,
  noiseDistribution: NoiseDistribution,
  { random, condition, onEstimate }: DenoisingLossOptions,
): Tensor {
  const clean = x0.detach();
  const sigma = noiseDistribution.sample(clean.shape[0]!, random, clean.device);
  const noise = randn(clean.shape, { generator: random, device: clean.device });
  const noised = clean.add(noise.mul(perSample(sigma, clean.ndim)));
  if (denoiser.restorationLoss) return denoiser.restorationLoss(noised, sigma, clean, condition);
  const estimate = denoiser.denoise(noised, sigma, condition);
  onEstimate?.({ sigma, noised, fitted: estimate.detach() });
  const error = estimate.sub(clean).square();
  return error.mul(perSample(denoisingWeight(sigma, denoiser.facts.sigmaData), clean.ndim)).mean();
}

/**
 * EDM's weight lambda(sigma), `[N]`: the loss starts at about 1 at every noise level (Karras et al. 2022, appendix
 * B.6).
 */
export function denoisingWeight(sigma: Tensor, sigmaData: number): Tensor {
  return sigma
    .square()
    .add(sigmaData ** 2)
    .div(sigma.mul(sigmaData).square());
}

/** `[N]` as `[N, 1, …, 1]` with `ndim` dimensions, to broadcast against samples. */
export function perSample(values: Tensor, ndim: number): Tensor {
  return values.reshape([values.shape[0]!, ...Array<number>(ndim - 1).fill(1)]);
}
