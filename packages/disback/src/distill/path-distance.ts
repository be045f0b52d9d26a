import { Generator, inferenceMode, keep, randn, scope, type Tensor } from "@disback/torch";
import type { Denoiser } from "../models/denoiser.js";
import { denoisingWeight, perSample } from "./denoising-loss.js";
import type { NoiseDistribution } from "./noise-distribution.js";

/**
 * Measures how far denoisers are from one another on the same noised samples:
 *
 *     d(A, B) = sqrt(E lambda(sigma) mean((A(x_t; sigma) - B(x_t; sigma))^2)),
 *
 * in units in which an untrained model's denoising loss is about 1. Ours; what evenly spaced nodes are even in.
 */
export class PathDistance {
  private readonly sigma: Tensor;
  private readonly noised: Tensor;
  private readonly rootWeight: Tensor;

  /**
   * @param samples probes `[N, ...]`, usually samples of the initial student
   * @param seed of the probes' noise
   */
  constructor(
    samples: Tensor,
    private readonly condition: Tensor | undefined,
    noise: NoiseDistribution,
    sigmaData: number,
    seed: number,
  ) {
    const generator = new Generator(seed, samples.device);
    this.sigma = keep(noise.sample(samples.shape[0]!, generator, samples.device));
    const n = randn(samples.shape, { generator, device: samples.device });
    this.noised = keep(samples.detach().add(n.mul(perSample(this.sigma, samples.ndim))));
    this.rootWeight = keep(perSample(denoisingWeight(this.sigma, sigmaData).sqrt(), samples.ndim));
    if (condition) keep(condition);
  }

  /** A denoiser's weighted estimates on the probes: what `between` compares. The caller disposes of it. */
  outline(denoiser: Denoiser): Tensor {
    return keep(
      inferenceMode(() =>
        scope(() => denoiser.denoise(this.noised, this.sigma, this.condition).mul(this.rootWeight)),
      ),
    );
  }

  between(a: Tensor, b: Tensor): number {
    return inferenceMode(() => scope(() => a.sub(b).square().mean().sqrt().item()));
  }

  dispose(): void {
    for (const tensor of [this.sigma, this.noised, this.rootWeight, this.condition]) tensor?.dispose();
  }
}
