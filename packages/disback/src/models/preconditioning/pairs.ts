import { scope, type Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import { inDtype, type Network } from "../network.js";
import type { PairLayout } from "../pair-unet/pair-layout.js";
import { type Coefficients, PreconditionedDenoiser } from "./preconditioned.js";

/**
 * A denoiser of pairs of a picture and a text, noised together. The picture's part is EDM's (Karras et al. 2022, table 1).
 * The letters' is the probability of each letter; the network gives what the pair says, and Bayes' rule adds what the
 * letter's own noised values say:
 *
 *     D_letters(x; sigma) = softmax(F_letters(c_in x; c_noise) + x_letters / sigma^2)
 */
export class PairDenoiser extends PreconditionedDenoiser {
  readonly sigmaMin: number;
  readonly sigmaMax: number;

  constructor(
    model: Network,
    facts: ModelFacts,
    private readonly layout: PairLayout,
    options: { sigmaMin?: number | undefined; sigmaMax?: number | undefined } = {},
  ) {
    super(model, facts);
    this.sigmaMin = options.sigmaMin ?? 0;
    this.sigmaMax = options.sigmaMax ?? Number.POSITIVE_INFINITY;
  }

  /** @param x noised pairs `[N, size]` @param sigma `[N]` or `[1]` @returns `[N, size]` */
  override denoise(x: Tensor, sigma: Tensor): Tensor {
    return scope(() => {
      const { picture, logits } = this.estimate(x, sigma);
      return inDtype(this.layout.join(picture, logits.softmax(-1)), x.dtype);
    });
  }

  /** The mean of EDM's weighted squares of the picture and of the letters' cross-entropy in units of `ln V`. */
  override restorationLoss(noised: Tensor, sigma: Tensor, clean: Tensor): Tensor {
    return scope(() => {
      const found = this.estimate(noised, sigma);
      // Pairs may be made in inference mode, whose tensors no graph may keep.
      const { picture, letters } = this.layout.split(clean.clone());
      // EDM's weight (sigma^2 + sigmaData^2) / (sigma sigmaData)^2 is the square of the network's factor, inverted.
      const { out } = this.coefficients(sigma.reshape([-1, 1, 1, 1]));
      const squares = found.picture.sub(picture).div(out).square().mean();
      const worst = Math.log(this.layout.letterCount);
      const crossEntropy = letters.mul(found.logits.logSoftmax(-1)).sum(-1).mean().div(-worst);
      return squares.add(crossEntropy).div(2);
    });
  }

  /** @param sigma `[N, 1]` */
  protected coefficients(sigma: Tensor): Coefficients {
    const { sigmaData } = this.facts;
    const variance = sigma.square().add(sigmaData ** 2);
    return {
      skip: variance.reciprocal().mul(sigmaData ** 2),
      out: sigma.mul(sigmaData).mul(variance.rsqrt()),
      in: variance.rsqrt(),
      noise: sigma.log().div(4),
    };
  }

  /** In float32, which a softmax needs. @returns `[N, C, H, W]` and `[N, L, V]` */
  private estimate(x: Tensor, sigma: Tensor): { picture: Tensor; logits: Tensor } {
    const level = inDtype(sigma, x.dtype).reshape([-1, 1]);
    const { skip, out, in: scale, noise } = this.coefficients(level);
    const input = inDtype(x.mul(scale!), this.model.dtype);
    const raw = this.layout.split(this.pass(input, () => this.model.forward(input, noise.flatten())).float());
    const { picture, letters } = this.layout.split(x);
    const [kept, made] = [skip!, out].map((factor) => factor.reshape([-1, 1, 1, 1]));
    const evidence = letters.div(level.square().unsqueeze(2));
    return { picture: picture.mul(kept!).add(raw.picture.mul(made!)), logits: raw.letters.add(evidence) };
  }
}
