import { Module, type Tensor } from "@disback/torch";

/**
 * A denoiser D(x; sigma): the expectation of the clean sample given a noisy one (Karras et al. 2022, eq. 2-3).
 * Teachers, nodes of a trajectory, the auxiliary model and students are all denoisers.
 * Nothing here is about images: `x` is `[N, ...]`.
 */
export interface Denoiser {
  /** Lowest noise level it was made for; samplers do not go below. No limit if absent. */
  readonly sigmaMin?: number | undefined;
  /** Highest noise level it was made for; samplers do not go above. No limit if absent. */
  readonly sigmaMax?: number | undefined;

  /**
   * @param x noisy samples `[N, ...]`, `x = x0 + sigma * n`
   * @param sigma noise levels `[N]`, standard deviations > 0
   * @param condition optional `[N, K]`; for class labels one-hot rows, zeros mean "no class"
   * @returns estimate of x0, same shape as `x`
   */
  denoise(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor;

  /** The nearest noise level it knows; all of them if absent. */
  roundSigma?(sigma: number): number;
}

/** A denoiser that can be asked what its network sees: DMD2's discriminator looks at that. */
export interface FeatureDenoiser extends Denoiser {
  /** Parameters as of `denoise`. @returns `[N, channels, h, w]`, or `[N, channels]` for points */
  features(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor;
}

/** A denoiser whose weights can be trained, saved and copied. */
export abstract class DenoiserModule extends Module implements Denoiser {
  abstract denoise(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor;
}
