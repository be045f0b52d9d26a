import { autocast, Module, type Tensor } from "@disback/torch";
import type { Condition } from "./condition.js";
import type { ModelFacts } from "./facts.js";

/**
 * A denoiser D(x; sigma): the expectation of the clean sample given a noisy one (Karras et al. 2022, eq. 2-3).
 * Teachers, nodes of a trajectory, the auxiliary model and students are all denoisers.
 * Nothing here is about images: `x` is `[N, ...]`.
 */
export interface Denoiser {
  /** shape of its samples, standard deviation of its data, condition */
  readonly facts: ModelFacts;
  /** Lowest noise level of its training; samplers do not go below it. No limit if absent. */
  readonly sigmaMin?: number | undefined;
  /** Highest noise level of its training; samplers do not go above it. No limit if absent. */
  readonly sigmaMax?: number | undefined;

  /**
   * @param x noisy samples `[N, ...]`, `x = x0 + sigma * n`
   * @param sigma noise levels `[N]`, standard deviations > 0
   * @param condition see `Condition`; without one, the estimate is unconditional
   * @returns estimate of x0, same shape as `x`
   */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor;

  /** The nearest noise level it knows; absent if it knows all. */
  roundSigma?(sigma: number): number;

  /**
   * The loss it is fitted by, a tensor `[]`, instead of EDM's weighted squares: about 1 for an estimate that knows nothing.
   * @param noised `[N, ...]` @param sigma `[N]` @param clean `[N, ...]`
   */
  restorationLoss?(noised: Tensor, sigma: Tensor, clean: Tensor, condition?: Condition): Tensor;
}

/** A denoiser with access to its network's features, for discriminators. */
export interface FeatureDenoiser extends Denoiser {
  /** Those at the narrowest place; parameters as of `denoise`. @returns `[N, channels, h, w]`, or `[N, channels]` for points */
  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor;

  /** Those at several depths, each as `features` returns them; absent if there is one place alone. */
  layerFeatures?(x: Tensor, sigma: Tensor, condition?: Condition): Tensor[];
}

/** A denoiser whose weights can be trained, saved and copied. */
export abstract class DenoiserModule extends Module implements Denoiser {
  abstract readonly facts: ModelFacts;
  /** precision of the network's passes; weights and results keep their dtype. Set by `computing`. */
  precision: "f32" | "bf16" = "f32";

  /** Runs a pass of the network in the chosen precision. @param input on the network's device */
  protected pass<T>(input: Tensor, run: () => T): T {
    return this.precision === "f32" ? run() : autocast({ device: input.device, dtype: "bfloat16" }, run);
  }

  abstract denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor;

  restorationLoss?(noised: Tensor, sigma: Tensor, clean: Tensor, condition?: Condition): Tensor;
}
