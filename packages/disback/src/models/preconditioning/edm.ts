import type { Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface EdmOptions {
  /** default 0 */
  sigmaMin?: number;
  /** default Infinity */
  sigmaMax?: number;
}

/** EDM's own preconditioning (Karras et al. 2022, table 1, last column): input and target have unit variance. */
export class EdmDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(model: Network, facts: ModelFacts, options: EdmOptions = {}) {
    super(model, facts);
    this.sigmaMin = options.sigmaMin ?? 0;
    this.sigmaMax = options.sigmaMax ?? Number.POSITIVE_INFINITY;
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const { sigmaData } = this.facts;
    const variance = sigma.square().add(sigmaData ** 2);
    const inverse = variance.rsqrt();
    return {
      skip: variance.reciprocal().mul(sigmaData ** 2),
      out: sigma.mul(inverse).mul(sigmaData),
      in: inverse,
      noise: sigma.log().div(4),
    };
  }
}
