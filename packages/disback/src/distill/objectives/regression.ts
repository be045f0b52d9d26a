import type { Tensor } from "@disback/torch";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import type { SampleDistance } from "../sample-distance.js";
import type { SamplePool } from "../sample-pool.js";
import { pairDistance, type TeacherPairsOptions, teacherPairs } from "../teacher-pairs.js";

export interface RegressionOptions {
  /** what is minimised, default "squared" */
  distance?: SampleDistance;
  /** how many pairs, and how they are made */
  pairs?: Omit<TeacherPairsOptions, "seed">;
}

/**
 * Plain regression on the teacher's samples (Luhman and Luhman 2021, eq. 5): the student learns what the teacher's
 * deterministic sampler makes of the same noise,
 *
 *     L = E d(G(z), y),   y = Heun(80 z),
 *
 * over a fixed set of pairs made before the first step. What several samples could be is answered by their mean: blurred
 * where pairs are few or the student is small.
 */
export class Regression implements DirectObjective {
  readonly name = "regression";
  private readonly distance: SampleDistance;
  private readonly pairOptions: Omit<TeacherPairsOptions, "seed">;
  private pairs: SamplePool | undefined;

  constructor({ distance = "squared", pairs = {} }: RegressionOptions = {}) {
    this.distance = distance;
    this.pairOptions = pairs;
  }

  prepare({ student, teacher, seed }: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.pairs = teacherPairs(teacher, student, { ...this.pairOptions, seed });
  }

  loss({ student, count, random }: DirectInput): Tensor {
    return pairDistance(this.distance, student, this.pairs!, { count, random });
  }

  dispose(): void {
    this.pairs?.dispose();
  }
}
