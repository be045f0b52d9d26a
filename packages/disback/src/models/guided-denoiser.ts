import { type Module, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Condition } from "./condition.js";
import { type Denoiser, DenoiserModule } from "./denoiser.js";
import type { ModelFacts } from "./facts.js";

/** What guidance leads away from, and how strong its contrasts may become. */
export interface GuidanceOptions {
  /** what to lead away from, one row for all samples, as of a negative prompt; default: no condition */
  negative?: Condition | undefined;
  /**
   * phi of Lin et al. 2024, eq. 14-16, in [0, 1]: how far the guided estimate gets back the standard deviation of the
   * conditional one, which guidance raises; default 0, not at all
   */
  rescale?: number | undefined;
}

/**
 * Classifier-free guidance (Ho and Salimans 2022) as a denoiser:
 *
 *     D_w(x; sigma, c) = D(x; sigma) + w (D(x; sigma, c) - D(x; sigma))
 *
 * In this convention `w = 1` is the conditional model unchanged, `w = 0` the unconditional one, and `w > 1` goes beyond the
 * condition; the original paper's weight is `w - 1`. A negative condition takes the place of "no condition". Each evaluation takes two of the denoiser (one if `w = 1`).
 * The denoiser must have been trained with label dropout, so that it knows "no condition".
 */
export class GuidedDenoiser extends DenoiserModule {
  readonly facts: ModelFacts;
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;

  /**
   * @param denoiser a conditional denoiser, not changed
   * @param weight w, at least 0
   * @throws DisbackError if the weight is negative or not a number, or the rescaling is not in [0, 1]
   */
  constructor(
    private readonly denoiser: Denoiser,
    readonly weight: number,
    private readonly options: GuidanceOptions = {},
  ) {
    super();
    if (!(weight >= 0 && Number.isFinite(weight)))
      throw new DisbackError(`guidance: the weight must be a number of at least 0, not ${weight}`);
    const { rescale = 0 } = options;
    if (!(rescale >= 0 && rescale <= 1))
      throw new DisbackError(`guidance: rescaling must be from 0 to 1, not ${rescale}`);
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
    const { negative, rescale = 0 } = this.options;
    return scope(() => {
      const from = this.denoiser.denoise(x, sigma, negative);
      const guided = from.add(towards.sub(from).mul(this.weight));
      if (rescale === 0) return guided;
      // eq. 15 and 16
      const factor = spread(towards)
        .div(spread(guided))
        .mul(rescale)
        .add(1 - rescale);
      return guided.mul(factor);
    });
  }

  roundSigma(sigma: number): number {
    return this.denoiser.roundSigma?.(sigma) ?? sigma;
  }
}

/** Standard deviation of each sample, `[N, 1, ...]`. */
function spread(samples: Tensor): Tensor {
  const shape = [samples.shape[0]!, ...Array<number>(samples.ndim - 1).fill(1)];
  const rows = samples.flatten(1);
  return rows
    .sub(rows.mean([1], true))
    .square()
    .mean([1])
    .sqrt()
    .reshape(shape);
}

/**
 * A model with guidance, or the model itself if the weight is 1. @throws DisbackError if guidance is wanted and the
 * model is not a denoiser
 */
export function guided<M extends Module>(model: M, weight: number, options: GuidanceOptions = {}): M {
  if (weight === 1) return model;
  if (!(model instanceof DenoiserModule)) throw new DisbackError("guidance: this teacher is not a denoiser");
  return new GuidedDenoiser(model, weight, options) as unknown as M;
}
