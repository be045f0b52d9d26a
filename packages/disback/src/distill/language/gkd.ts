import { cat, noGrad, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { LanguageModel } from "../../models/language/language-model.js";
import type { Objective, ObjectiveSetting, StudentInput, StudentSignal } from "../objective.js";
import { requireFitting, type SamplePool } from "../sample-pool.js";
import { crossEntropy } from "./cross-entropy-fit.js";
import { generalizedDivergence, requireShare } from "./divergence.js";

export interface GkdOptions {
  /** which divergence: 1 (the default) is the reverse `KL(S | T)`, 0 the forward one, see `generalizedDivergence` */
  beta?: number;
  /** share of a batch that is the student's own texts, the rest is data; default 1 */
  lambda?: number;
  /** texts `[M, L]`, needed if `lambda` is below 1 */
  real?: SamplePool | undefined;
}

/**
 * On-policy distillation of language models, GKD (Agarwal et al. 2024, algorithm 1): the student writes texts, and learns the
 * target's distribution of every next token in them,
 *
 *     L = E_{x ~ lambda S + (1 - lambda) data} 1/L sum_t D(T(. | x_<t), S(. | x_<t)).
 *
 * A language model has a density, so there is no auxiliary model. Texts are constants: nothing is differentiated through
 * their drawing, as in the paper.
 */
export class Gkd implements Objective<LanguageModel> {
  readonly name = "gkd";
  private readonly beta: number;
  private readonly lambda: number;
  private readonly real: SamplePool | undefined;

  /** @throws DisbackError naming the option that is out of range or missing */
  constructor({ beta = 1, lambda = 1, real }: GkdOptions = {}) {
    requireShare("gkd", "beta", beta);
    requireShare("gkd", "lambda", lambda);
    if (lambda < 1 && !real) throw new DisbackError('gkd: "lambda" below 1 needs real texts');
    this.beta = beta;
    this.lambda = lambda;
    this.real = real;
  }

  prepare({ student }: ObjectiveSetting<LanguageModel>): void {
    if (this.real) requireFitting(this.real, student, "gkd");
  }

  studentSignal({ samples, target, student, random }: StudentInput<LanguageModel>): StudentSignal {
    const texts = this.mixed(samples, random);
    const own = (student.module as LanguageModel).logProbabilities(texts);
    const wanted = noGrad(() => target.logProbabilities(texts));
    const loss = generalizedDivergence(own, wanted, this.beta);
    return {
      loss,
      difference: loss.detach().clamp(0),
      targetError: noGrad(() => crossEntropy(wanted, texts)),
      auxiliaryError: noGrad(() => crossEntropy(own, texts)),
    };
  }

  /** Replaces the last texts of a batch by data. */
  private mixed(samples: Tensor, random: StudentInput["random"]): Tensor {
    const count = samples.shape[0]!;
    const own = Math.round(this.lambda * count);
    if (!this.real || own === count) return samples;
    const { samples: real } = this.real.draw(count - own, random);
    return own === 0 ? real : cat([samples.narrow(0, 0, own), real]);
  }

  dispose(): void {
    this.real?.dispose();
  }
}
