import type { Tensor } from "@disback/torch";
import type { Objective, ObjectiveInput, StudentInput, StudentSignal } from "../objective.js";
import { DiffInstruct, type DiffInstructOptions } from "./diff-instruct.js";

export interface VsdOptions extends Omit<DiffInstructOptions, "oneNoise"> {
  /** rank of the auxiliary model's adapters, default 4 as in the released code */
  rank?: number;
  /** learning rate of the adapters as a multiple of the auxiliary model's, default 10 */
  learningRateFactor?: number;
}

/**
 * Variational score distillation (Wang et al. 2023, ProlificDreamer, eq. 9 and algorithm 1): the student moves by the
 * difference of noise predictions,
 *
 *     x_t = x0 + sigma n,   dL/dx0 = w(sigma) (D_phi(x_t; sigma) - D'_i(x_t; sigma)),   w = 1 / sigma,
 *
 * and the auxiliary model is the teacher with low-rank adapters (LoRA). Only the adapters are trained: a small fraction
 * of the weights, gradients and optimizer moments. With a trajectory they start as the best approximation of the most
 * degraded node at their rank. This is exact if the node was recorded with adapters of at most that rank.
 */
export class Vsd implements Objective {
  readonly name = "vsd";
  readonly learningRateFactor: number;
  private readonly matching: DiffInstruct;
  readonly rank: number;

  constructor({ rank = 4, learningRateFactor = 10, weighting = "noise", ...options }: VsdOptions = {}) {
    this.rank = rank;
    this.learningRateFactor = learningRateFactor;
    this.matching = new DiffInstruct({ ...options, weighting, oneNoise: false });
  }

  auxiliaryLoss(input: ObjectiveInput): Tensor {
    return this.matching.auxiliaryLoss(input);
  }

  studentSignal(input: StudentInput): StudentSignal {
    return this.matching.studentSignal(input);
  }
}
