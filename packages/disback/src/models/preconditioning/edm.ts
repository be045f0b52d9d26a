import type { Tensor } from "@disback/torch";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface EdmOptions {
  /** standard deviation of the data, default 0.5 */
  sigmaData?: number;
  /** default 0 */
  sigmaMin?: number;
  /** default Infinity */
  sigmaMax?: number;
}

/** EDM's own preconditioning (Karras et al. 2022, table 1, last column): input and target have unit variance. */
export class EdmDenoiser extends PreconditionedDenoiser {
  readonly sigmaData: number;
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(model: Network, labelDim: number, options: EdmOptions = {}) {
    super(model, labelDim);
    this.sigmaData = options.sigmaData ?? 0.5;
    this.sigmaMin = options.sigmaMin ?? 0;
    this.sigmaMax = options.sigmaMax ?? Number.POSITIVE_INFINITY;
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const variance = sigma.square().add(this.sigmaData ** 2);
    const inverse = variance.rsqrt();
    return {
      skip: variance.reciprocal().mul(this.sigmaData ** 2),
      out: sigma.mul(inverse).mul(this.sigmaData),
      in: inverse,
      noise: sigma.log().div(4),
    };
  }
}
