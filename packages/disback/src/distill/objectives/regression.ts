import type { Tensor } from "@disback/torch";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import type { SampleDistance } from "../sample-distance.js";
import type { SamplePool } from "../sample-pool.js";
import { type PairsSource, pairDistance, pairsFrom } from "../teacher-pairs.js";

export interface RegressionOptions {
  /** the distance to minimise, default "squared" */
  distance?: SampleDistance;
  /** number of pairs, and how they are made */
  pairs?: PairsSource;
}

/**
 * Plain regression on the teacher's samples (Luhman and Luhman 2021, eq. 5): the student learns the output of the
 * teacher's deterministic sampler for the same noise,
 *
 *     L = E d(G(z), y),   y = Heun(80 z),
 *
 * over a fixed set of pairs made before the first step. Where several samples are possible, the student gives their
 * mean, so samples are blurred if pairs are few or the student is small.
 */
export class Regression implements DirectObjective {
  readonly name = "regression";
  private readonly distance: SampleDistance;
  private readonly source: PairsSource;
  private pairs: SamplePool | undefined;

  constructor({ distance = "squared", pairs = {} }: RegressionOptions = {}) {
    this.distance = distance;
    this.source = pairs;
  }

  prepare(setting: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.pairs = pairsFrom(this.source, setting);
  }

  loss({ student, count, random }: DirectInput): Tensor {
    return pairDistance(this.distance, student, this.pairs!, { count, random });
  }

  dispose(): void {
    this.pairs?.dispose();
  }
}
