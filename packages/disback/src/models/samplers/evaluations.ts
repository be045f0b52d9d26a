import type { Tensor } from "@disback/torch";
import type { Condition } from "../condition.js";
import type { Denoiser } from "../denoiser.js";
import type { ModelFacts } from "../facts.js";

/** A denoiser that counts its evaluations (NFE), each on a whole batch. */
export class CountingDenoiser implements Denoiser {
  /** evaluations so far; may be reset to 0 */
  evaluations = 0;

  constructor(private readonly inner: Denoiser) {}

  get facts(): ModelFacts {
    return this.inner.facts;
  }

  get sigmaMin(): number | undefined {
    return this.inner.sigmaMin;
  }

  get sigmaMax(): number | undefined {
    return this.inner.sigmaMax;
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    this.evaluations++;
    return this.inner.denoise(x, sigma, condition);
  }

  roundSigma(sigma: number): number {
    return this.inner.roundSigma?.(sigma) ?? sigma;
  }
}
