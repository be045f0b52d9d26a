import type { Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface VpOptions {
  /** growth of beta over time, default 19.9 */
  betaSlope?: number;
  /** beta at time 0, default 0.1 */
  betaMin?: number;
  /** steps of the discrete formulation, default 1000 */
  timesteps?: number;
  /** shortest time trained on, default 1e-5 */
  smallestTime?: number;
}

/** The variance-preserving formulation of Song et al. 2021 (Karras et al. 2022, table 1, first column). */
export class VpDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  private readonly betaSlope: number;
  private readonly betaMin: number;
  private readonly timesteps: number;

  constructor(model: Network, facts: ModelFacts, options: VpOptions = {}) {
    super(model, facts);
    this.betaSlope = options.betaSlope ?? 19.9;
    this.betaMin = options.betaMin ?? 0.1;
    this.timesteps = options.timesteps ?? 1000;
    this.sigmaMin = this.sigmaAt(options.smallestTime ?? 1e-5);
    this.sigmaMax = this.sigmaAt(1);
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const variance = sigma.square().add(1);
    // sigma(t), solved for t
    const time = variance
      .log()
      .mul(2 * this.betaSlope)
      .add(this.betaMin ** 2)
      .sqrt()
      .sub(this.betaMin)
      .div(this.betaSlope);
    return { out: sigma.neg(), in: variance.rsqrt(), noise: time.mul(this.timesteps - 1) };
  }

  /** sigma(t) = sqrt(exp(betaSlope t^2 / 2 + betaMin t) - 1) */
  private sigmaAt(time: number): number {
    return Math.sqrt(Math.expm1((this.betaSlope * time ** 2) / 2 + this.betaMin * time));
  }
}
