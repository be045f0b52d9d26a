import {
  type Device,
  fromTypedArray,
  full,
  keep,
  onesLike,
  ops,
  scope,
  type Tensor,
  where,
  zerosLike,
} from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type BetaScheduleOptions, noiseLevels } from "./beta-schedule.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

/** What the network estimates: the noise, v = sqrt(abar) noise - sqrt(1 - abar) x0, or the clean sample. */
export type Prediction = "epsilon" | "v" | "sample";

export interface DiscreteOptions extends BetaScheduleOptions {
  /** default "epsilon" */
  prediction?: Prediction | undefined;
  /** first step the network was trained at, default 0 */
  firstStep?: number | undefined;
}

/** A step this close to a whole number is rounded to it, because sigma is float32. */
const nearlyWhole = 1e-3;

/**
 * The networks of DDPM and DDIM (Ho et al. 2020, Song et al. 2021), trained at T steps with
 * x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) n. In EDM's terms x = x_t / sqrt(abar_t), sigma_t = sqrt((1 - abar_t) / abar_t),
 * so that the network's input is x / sqrt(sigma^2 + 1) (Karras et al. 2022, appendix C.3), and D(x; sigma) is
 *
 * - `x - sigma F` for a network that predicts the noise,
 * - `(x / sqrt(sigma^2 + 1) - sigma F) / sqrt(sigma^2 + 1)` for v (Salimans and Ho 2022, appendix D),
 * - `F` for the clean sample.
 *
 * Exact at the T levels. Between two of them the network gets a fractional step, linear in ln sigma, as in k-diffusion;
 * its step embedding is smooth. Beyond the range it gets the first or last step.
 */
export class DiscreteDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  readonly prediction: Prediction;
  /** ln sigma_t, ascending; the first belongs to step `firstStep` */
  private readonly logLevels: Float64Array;
  private readonly firstStep: number;
  private readonly onDevice = new Map<Device, Tensor>();

  /** @throws DisbackError if the schedule has no rising noise levels */
  constructor(model: Network, facts: ModelFacts, options: DiscreteOptions = {}) {
    super(model, facts);
    this.prediction = options.prediction ?? "epsilon";
    this.firstStep = options.firstStep ?? 0;
    const levels = noiseLevels(options).subarray(this.firstStep);
    this.sigmaMin = levels[0]!;
    this.sigmaMax = levels.at(-1)!;
    this.logLevels = levels.map(Math.log);
  }

  /** The step, possibly fractional, that the network gets for a noise level. */
  stepAt(sigma: number): number {
    return scope(() => this.stepOf(full([1], sigma, { dtype: "float64" })).item());
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const variance = sigma.square().add(1);
    const scale = variance.rsqrt();
    const noise = this.stepOf(sigma);
    switch (this.prediction) {
      case "epsilon":
        return { out: sigma.neg(), in: scale, noise };
      case "v":
        return { skip: variance.reciprocal(), out: sigma.mul(scale).neg(), in: scale, noise };
      case "sample":
        return { skip: zerosLike(sigma), out: onesLike(sigma), in: scale, noise };
    }
  }

  /** The step t, possibly fractional, whose level is sigma; same shape and dtype. */
  private stepOf(sigma: Tensor): Tensor {
    const known = this.levelsOn(sigma.device);
    const level = sigma.to("float64").log();
    const above = ops.bucketize(level, known, false, true).clamp(1, this.logLevels.length - 1);
    const below = above.sub(1);
    const [low, high] = [ops.take(known, below), ops.take(known, above)];
    const fraction = level.sub(low).div(high.sub(low)).clamp(0, 1);
    const step = fraction.add(below).add(this.firstStep);
    const whole = step.round();
    return where(step.sub(whole).abs().lt(nearlyWhole), whole, step).to(sigma.dtype);
  }

  private levelsOn(device: Device): Tensor {
    let levels = this.onDevice.get(device);
    if (!levels) {
      levels = keep(fromTypedArray(this.logLevels, [this.logLevels.length]).to({ device }));
      this.onDevice.set(device, levels);
    }
    return levels;
  }
}
