import type { Module, Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Condition } from "./condition.js";
import { type Denoiser, DenoiserModule } from "./denoiser.js";
import type { ModelFacts } from "./facts.js";

/**
 * Classifier-free guidance (Ho and Salimans 2022) as a denoiser:
 *
 *     D_w(x; sigma, c) = D(x; sigma) + w (D(x; sigma, c) - D(x; sigma))
 *
 * In this convention `w = 1` is the conditional model unchanged, `w = 0` the unconditional one, and `w > 1` goes beyond
 * the condition; the original paper's weight is `w - 1`. Each evaluation takes two of the denoiser (one if `w = 1`).
 * The denoiser must have been trained with label dropout, so that it knows "no condition".
 */
export class GuidedDenoiser extends DenoiserModule {
  readonly facts: ModelFacts;
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;

  /**
   * @param denoiser a conditional denoiser, not changed
   * @param weight w, at least 0
   * @throws DisbackError if the weight is negative or not a number
   */
  constructor(
    private readonly denoiser: Denoiser,
    readonly weight: number,
  ) {
    super();
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw new DisbackError(`guidance: the weight must be a number of at least 0, not ${weight}`);
    this.facts = denoiser.facts;
    if (denoiser.sigmaMin !== undefined) this.sigmaMin = denoiser.sigmaMin;
    if (denoiser.sigmaMax !== undefined) this.sigmaMax = denoiser.sigmaMax;
  }

  /** None, because the weights belong to the denoiser. */
  override members(): [string, unknown][] {
    return [];
  }

  /** @throws DisbackError without a condition */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    if (!condition) throw new DisbackError("guidance: needs a condition; this student is unconditional");
    const towards = this.denoiser.denoise(x, sigma, condition);
    if (this.weight === 1) return towards;
    const from = this.denoiser.denoise(x, sigma);
    return from.add(towards.sub(from).mul(this.weight));
  }

  roundSigma(sigma: number): number {
    return this.denoiser.roundSigma?.(sigma) ?? sigma;
  }
}

/**
 * A model with guidance, or the model itself if the weight is 1. @throws DisbackError if guidance is wanted and the
 * model is not a denoiser
 */
export function guided<M extends Module>(model: M, weight: number): M {
  if (weight === 1) return model;
  if (!(model instanceof DenoiserModule)) throw new DisbackError("guidance: this teacher is not a denoiser");
  return new GuidedDenoiser(model, weight) as unknown as M;
}
