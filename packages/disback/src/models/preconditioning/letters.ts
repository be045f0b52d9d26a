import { scope, type Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import { inDtype, type Network } from "../network.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

/**
 * A denoiser of texts as one-hot letters with Gaussian noise (FLM, arXiv 2602.16813): the expectation of a one-hot letter is
 * the probability of each letter. What a letter's own noised values say of it is known, `x / sigma^2` in the logits; the network
 * gives what the rest of the text says, and Bayes' rule adds the two:
 *
 *     D(x; sigma) = softmax(x / sigma^2 + F(sqrt(V) p; c_noise)),   p = softmax(x / sigma^2),
 *
 * with EDM's c_noise (Karras et al. 2022, table 1). The network sees each letter's probabilities p by itself, as in Bayesian
 * flow networks (Graves et al. 2023, section 6). It is fitted by cross-entropy.
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
    return { out: sigma, noise: sigma.log().div(4) };
  }

  /** In float32, which a softmax needs. */
  private logits(x: Tensor, sigma: Tensor): Tensor {
    const { evidence, input, noise } = this.shown(x, sigma);
    return this.pass(input, () => this.model.forward(input, noise))
      .float()
      .add(evidence);
  }

  /** Also what each letter says of itself, as logits `[N, L, V]`. */
  protected override shown(x: Tensor, sigma: Tensor): { evidence: Tensor; input: Tensor; noise: Tensor } {
    const level = sigma.float().reshape([-1, 1, 1]);
    const evidence = x.float().div(level.square());
    const input = evidence.softmax(-1).mul(Math.sqrt(x.shape[2]!));
    const { noise } = this.coefficients(level);
    return { evidence, input: inDtype(input, this.model.dtype), noise: inDtype(noise, x.dtype).flatten() };
  }
}
