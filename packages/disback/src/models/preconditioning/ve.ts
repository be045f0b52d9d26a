import type { Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface VeOptions {
  /** default 0.02 */
  sigmaMin?: number;
  /** default 100 */
  sigmaMax?: number;
}

/** The variance-exploding formulation of Song et al. 2021 (Karras et al. 2022, table 1, second column). */
export class VeDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(model: Network, facts: ModelFacts, options: VeOptions = {}) {
    super(model, facts);
    this.sigmaMin = options.sigmaMin ?? 0.02;
    this.sigmaMax = options.sigmaMax ?? 100;
  }

  protected coefficients(sigma: Tensor): Coefficients {
    return { out: sigma, noise: sigma.mul(0.5).log() };
  }
}
