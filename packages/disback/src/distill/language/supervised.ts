import { noGrad, type Tensor } from "@disback/torch";
import type { LanguageModel } from "../../models/language/language-model.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { requireFitting, type SamplePool } from "../sample-pool.js";
import type { Student } from "../student.js";
import { generalizedDivergence, requireShare } from "./divergence.js";

export interface SupervisedOptions {
  /** texts `[M, L]` */
  real: SamplePool;
  /** which divergence, see `generalizedDivergence`; default 0, the forward `KL(T | S)` */
  beta?: number;
}

/**
 * Plain distillation of a language model on data (Hinton et al. 2015; Sanh et al. 2019): the student learns the teacher's
 * distribution of every next token of real texts. The baseline without texts of the student.
 */
export class Supervised implements DirectObjective<LanguageModel, Student> {
  readonly name = "supervised";
  private readonly real: SamplePool;
  private readonly beta: number;

  /** @throws DisbackError if beta is out of range */
  constructor({ real, beta = 0 }: SupervisedOptions) {
    requireShare("supervised", "beta", beta);
    this.real = real;
    this.beta = beta;
  }

  prepare({ student }: { student: Student }): void {
    requireFitting(this.real, student, "supervised");
  }

  loss({ student, teacher, count, random }: DirectInput<LanguageModel, Student>): Tensor {
    const { samples } = this.real.draw(count, random);
    const own = (student.module as LanguageModel).logProbabilities(samples);
    return generalizedDivergence(
      own,
      noGrad(() => teacher.logProbabilities(samples)),
      this.beta,
    );
  }

  dispose(): void {
    this.real.dispose();
  }
}
