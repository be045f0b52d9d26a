import type { Generator, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import { requireFitting, type SamplePool } from "./sample-pool.js";
import { type PairsSource, pairsFrom } from "./teacher-pairs.js";

/** Where an objective that noises clean samples takes them from. */
export interface CleanSamplesOptions {
  /** real samples, with labels if the student is conditional; default: samples of the teacher */
  data?: SamplePool | undefined;
  /** options for the teacher's samples, if they replace data */
  pairs?: PairsSource;
}

/** Clean samples and what the student is told of them. */
export interface CleanBatch {
  samples: Tensor;
  /** absent for an unconditional student */
  condition: Condition | undefined;
}

/** Clean samples in memory: real ones, or the teacher's own. */
export class CleanSamples {
  private readonly pool: SamplePool;
  private readonly told: boolean;

  /**
   * @param who name of the objective, for messages
   * @throws DisbackError if the data do not match the student's samples
   */
  constructor(
    { data, pairs = {} }: CleanSamplesOptions,
    setting: { student: DenoiserStudent; teacher: DenoiserModule; seed: number },
    who: string,
  ) {
    if (data) requireFitting(data, setting.student, who);
    this.pool = data ?? pairsFrom(pairs, setting);
    this.told = Object.keys(setting.student.facts.condition).length > 0;
  }

  draw(count: number, random: Generator): CleanBatch {
    const { samples, condition } = this.pool.draw(count, random);
    return { samples, condition: this.told ? condition : undefined };
  }

  dispose(): void {
    this.pool.dispose();
  }
}
