import { arange, buffer, fromTypedArray, type Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface IddpmOptions {
  /** steps of the discrete formulation, default 1000 */
  timesteps?: number;
  /** smallest ratio of neighbouring alpha-bars, which bounds the highest levels, default 0.001 */
  smallestRatio?: number;
  /** offset of the cosine schedule, default 0.008 */
  cosineOffset?: number;
}

/**
 * Improved DDPM (Nichol and Dhariwal 2021; Karras et al. 2022, table 1, third column): a fixed list of noise levels, of
 * which the nearest is used, and a network that also estimates a variance, which is ignored.
 */
export class IddpmDenoiser extends PreconditionedDenoiser {
  /** noise levels `[timesteps + 1]`, falling to 0; part of the state as in the original */
  readonly u: Tensor;
  private readonly timesteps: number;

  constructor(model: Network, facts: ModelFacts, options: IddpmOptions = {}) {
    super(model, facts);
    this.timesteps = options.timesteps ?? 1000;
    this.u = buffer(
      noiseLevels(this.timesteps, options.smallestRatio ?? 0.001, options.cosineOffset ?? 0.008),
    );
  }

  get sigmaMin(): number {
    return this.levels()[this.timesteps - 1]!;
  }

  get sigmaMax(): number {
    return this.levels()[0]!;
  }

  override roundSigma(sigma: number): number {
    return this.levels().reduce((best, level) =>
      Math.abs(level - sigma) < Math.abs(best - sigma) ? level : best,
    );
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const distances = sigma.reshape([-1, 1]).sub(this.u).abs();
    const step = distances.argmin(1).to(sigma.dtype);
    return {
      out: sigma.neg(),
      in: sigma.square().add(1).rsqrt(),
      noise: step.neg().add(this.timesteps - 1),
    };
  }

  private levels(): number[] {
    return this.u.toArray() as number[];
  }
}

/**
 * Levels for steps 0 to `timesteps` (Karras et al. 2022, table 1: "time steps" of iDDPM), in float32 throughout: the
 * lowest ones are differences of nearly equal numbers, and networks were trained with float32's rounding.
 */
function noiseLevels(timesteps: number, smallestRatio: number, cosineOffset: number): Tensor {
  const round = Math.fround;
  const angles = arange(0, timesteps + 1, 1, { dtype: "float32" })
    .mul(0.5 * Math.PI)
    .div(timesteps)
    .div(cosineOffset + 1);
  const alphaBar = angles.sin().square().data() as Float32Array;
  const levels = new Float32Array(timesteps + 1);
  for (let step = timesteps; step > 0; step--) {
    const ratio = Math.max(round(alphaBar[step - 1]! / alphaBar[step]!), round(smallestRatio));
    const variance = round(round(levels[step]! * levels[step]!) + 1);
    levels[step - 1] = Math.sqrt(round(round(variance / ratio) - 1));
  }
  return fromTypedArray(levels, [timesteps + 1]);
}
