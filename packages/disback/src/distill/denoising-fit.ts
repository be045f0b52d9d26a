import { Generator, inferenceMode, keep, randn, scope, type Tensor } from "@disback/torch";
import { type Condition, tensorsOf } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { denoisingLoss, denoisingWeight, perSample } from "./denoising-loss.js";
import type { Fit, FitBatch, Outline } from "./fit.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";

/** Denoisers are fitted by the denoising loss (DisBack, eq. 7; Karras et al. 2022, eq. 2). */
export class DenoisingFit implements Fit<DenoiserModule> {
  /** @param noise distribution of the noise levels, default EDM's log-normal */
  constructor(private readonly noise: NoiseDistribution = new LogNormal()) {}

  loss(model: DenoiserModule, { samples, condition }: FitBatch, random: Generator): Tensor {
    return denoisingLoss(model, samples, this.noise, { random, condition });
  }

  outline(probes: FitBatch, seed: number): DenoiserOutline {
    return new DenoiserOutline(probes, this.noise, seed);
  }
}

/**
 * Measures how far denoisers are from one another on the same noised samples:
 *
 *     d(A, B) = sqrt(E lambda(sigma) mean((A(x_t; sigma) - B(x_t; sigma))^2)),
 *
 * in units in which an untrained model's denoising loss is about 1. Our own measure; evenly spaced nodes have equal
 * distances in it.
 */
export class DenoiserOutline implements Outline<DenoiserModule> {
  private readonly sigma: Tensor;
  private readonly noised: Tensor;
  private readonly condition: Condition | undefined;
  private readonly ndim: number;

  /**
   * @param probes `[N, ...]`, usually samples of the initial student
   * @param seed seed of the probes' noise
   */
  constructor({ samples, condition }: FitBatch, noise: NoiseDistribution, seed: number) {
    const generator = new Generator(seed, samples.device);
    this.ndim = samples.ndim;
    this.sigma = keep(noise.sample(samples.shape[0]!, generator, samples.device));
    const n = randn(samples.shape, { generator, device: samples.device });
    this.noised = keep(samples.detach().add(n.mul(perSample(this.sigma, this.ndim))));
    this.condition = condition;
    for (const tensor of tensorsOf(condition)) keep(tensor);
  }

  measure(denoiser: DenoiserModule): Tensor {
    const { sigma, noised, condition, ndim } = this;
    return keep(
      inferenceMode(() =>
        scope(() => {
          const rootWeight = perSample(denoisingWeight(sigma, denoiser.facts.sigmaData).sqrt(), ndim);
          return denoiser.denoise(noised, sigma, condition).mul(rootWeight);
        }),
      ),
    );
  }

  between(a: Tensor, b: Tensor): number {
    return inferenceMode(() => scope(() => a.sub(b).square().mean().sqrt().item()));
  }

  dispose(): void {
    for (const tensor of [this.sigma, this.noised, ...tensorsOf(this.condition)]) tensor.dispose();
  }
}
