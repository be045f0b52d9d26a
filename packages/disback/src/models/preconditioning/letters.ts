import { scope, type Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import { inDtype, type Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

/**
 * A denoiser of texts as one-hot letters with Gaussian noise (FLM, arXiv 2602.16813): the expectation of a one-hot letter is
 * the probability of each letter,
 *
 *     D(x; sigma) = softmax(F(c_in x; c_noise)),
 *
 * with EDM's c_in and c_noise (Karras et al. 2022, table 1). It is fitted by cross-entropy.
 */
export class LetterDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(
    model: Network,
    facts: ModelFacts,
    options: { sigmaMin?: number | undefined; sigmaMax?: number | undefined } = {},
  ) {
    super(model, facts);
    this.sigmaMin = options.sigmaMin ?? 0;
    this.sigmaMax = options.sigmaMax ?? Number.POSITIVE_INFINITY;
  }

  override denoise(x: Tensor, sigma: Tensor): Tensor {
    return scope(() => inDtype(this.logits(x, sigma).softmax(-1), x.dtype));
  }

  /**
   * Cross-entropy between clean letters and the estimate, in units of `ln V`, so that guessing costs 1.
   * @param clean letters or their probabilities `[N, L, V]`
   */
  override restorationLoss(noised: Tensor, sigma: Tensor, clean: Tensor): Tensor {
    return scope(() => {
      const found = this.logits(noised, sigma).logSoftmax(-1);
      const worst = Math.log(clean.shape[2]!);
      // Letters may be made in inference mode, whose tensors no graph may keep.
      return clean.clone().mul(found).sum(-1).mean().div(-worst);
    });
  }

  protected coefficients(sigma: Tensor): Coefficients {
    const variance = sigma.square().add(this.facts.sigmaData ** 2);
    return { in: variance.rsqrt(), out: sigma, noise: sigma.log().div(4) };
  }

  /** In float32, which a softmax needs. */
  private logits(x: Tensor, sigma: Tensor): Tensor {
    const { in: scale, noise } = this.coefficients(inDtype(sigma, x.dtype).reshape([-1, 1, 1]));
    const input = inDtype(x.mul(scale!), this.model.dtype);
    return this.pass(input, () => this.model.forward(input, noise.flatten())).float();
  }
}
