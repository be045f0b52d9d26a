import { inferenceMode, keep, scope, type Tensor } from "@disback/torch";
import type { LanguageModel } from "../../models/language/language-model.js";
import type { Fit, FitBatch, Outline } from "../fit.js";

/** Language models are fitted to texts by cross-entropy: `L = -E ln p(x_t | x_<t)`, per token, in nats. */
export class CrossEntropyFit implements Fit<LanguageModel> {
  loss(model: LanguageModel, { samples }: Pick<FitBatch, "samples">): Tensor {
    // Samples may be made in inference mode, whose tensors no graph may keep.
    return scope(() => {
      const texts = samples.clone();
      return crossEntropy(model.logProbabilities(texts), texts);
    });
  }

  outline(probes: Pick<FitBatch, "samples">): LanguageOutline {
    return new LanguageOutline(probes);
  }
}

/** Mean of `-ln p(x_t)`. @param logProbabilities `[N, L, V]` @param tokens `[N, L]` @returns a tensor `[]` */
export function crossEntropy(logProbabilities: Tensor, tokens: Tensor): Tensor {
  return logProbabilities.gather(-1, tokens.to("int64").unsqueeze(-1)).mean().neg();
}

/** Numbers that an outline keeps of a model at most. */
const MOST_NUMBERS = 2 ** 23;

/**
 * Measures how far language models are from one another on the same texts, by Hellinger's distance between their
 * distributions of the next token:
 *
 *     d(P, Q) = sqrt(E 1/2 sum_v (sqrt(p_v) - sqrt(q_v))^2),
 *
 * between 0 and 1. Along a path it adds up as a length, which even spacing needs; a divergence does not.
 */
export class LanguageOutline implements Outline<LanguageModel> {
  private readonly tokens: Tensor;

  /** @param probes `[N, L]`, usually samples of the initial student */
  constructor({ samples }: Pick<FitBatch, "samples">) {
    this.tokens = keep(samples.clone());
  }

  measure(model: LanguageModel): Tensor {
    const { tokens } = this;
    const most = Math.max(1, Math.floor(MOST_NUMBERS / (model.options.tokens * tokens.shape[1]!)));
    const texts = scope(() => tokens.narrow(0, 0, Math.min(most, tokens.shape[0]!)).clone());
    const roots = inferenceMode(() => scope(() => keep(model.logProbabilities(texts).mul(0.5).exp())));
    texts.dispose();
    return roots;
  }

  between(a: Tensor, b: Tensor): number {
    return inferenceMode(() => scope(() => a.sub(b).square().sum(-1).mean().mul(0.5).sqrt().item()));
  }

  dispose(): void {
    this.tokens.dispose();
  }
}
