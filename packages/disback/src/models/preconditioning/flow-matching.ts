import type { Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

export interface FlowMatchingOptions {
  /** nearest time to the data that the network was trained at, default 0.001 */
  firstTime?: number;
  /** nearest time to the noise, below 1, default 0.999 */
  lastTime?: number;
  /**
   * The network's time runs from noise (0) to data (1) and its velocity points to the data, as Z-Image's does; default
   * false: from data (0) to noise (1), the velocity is noise - data, as in SD3 and Flux.
   */
  reversed?: boolean;
}

/**
 * Networks of flow matching (Lipman et al. 2023; rectified flow, Liu et al. 2023), which predict the velocity
 * v = n - x0 at x_t = (1 - t) x0 + t n. In EDM's terms x = x_t / (1 - t) and sigma = t / (1 - t), so that
 * t = sigma / (1 + sigma), x_t = x / (1 + sigma), and the data is x0 = x_t - t v:
 *
 * `D(x; sigma) = x / (1 + sigma) - sigma / (1 + sigma) v(x / (1 + sigma), t)`.
 *
 * A shift of time only changes at which noise levels a network is trained and sampled.
 */
export class FlowMatchingDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  private readonly reversed: boolean;

  constructor(model: Network, facts: ModelFacts, options: FlowMatchingOptions = {}) {
    super(model, facts);
    const { firstTime = 0.001, lastTime = 0.999, reversed = false } = options;
    this.sigmaMin = sigmaAt(firstTime);
    this.sigmaMax = sigmaAt(lastTime);
    this.reversed = reversed;
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const scale = sigma.add(1).reciprocal();
    const time = sigma.mul(scale);
    return this.reversed
      ? { skip: scale, out: time, in: scale, noise: scale }
      : { skip: scale, out: time.neg(), in: scale, noise: time };
  }
}

/** The noise level of a time in [0, 1). */
export function sigmaAt(time: number): number {
  return time / (1 - time);
}
