import { Generator, inferenceMode, scope } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { denoisingLoss } from "./denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import type { StudentGenerator } from "./student-generator.js";

export interface TrajectoryNeedOptions {
  teacher: DenoiserModule;
  /** the student before its first step; both are put in evaluation mode */
  generator: StudentGenerator;
  /** noise levels, default EDM's log-normal */
  noise?: NoiseDistribution;
  /** standard deviation of the data, default 0.5 */
  sigmaData?: number;
  /** samples looked at, default 128 */
  samples?: number;
  /** decides them and their noise, default 0 */
  seed?: number;
}

/**
 * Whether a trajectory can pay: the teacher's denoising loss on the initial student's samples, in units in which the
 * trivial denoiser `c_skip x` has about 1 on data (Karras et al. 2022, appendix B.6). Above 1 the teacher restores these
 * samples worse than no model at all: its answers mean nothing there, and the student needs targets in between. Below,
 * the student is in the teacher's range already, and recording would be spent for nothing. Ours; costs one pass of each.
 *
 * @returns the loss, and whether it is above 1
 */
export function trajectoryNeed(options: TrajectoryNeedOptions): { loss: number; needed: boolean } {
  const { teacher, generator, noise = new LogNormal(), sigmaData = 0.5, samples = 128, seed = 0 } = options;
  const random = new Generator(seed, generator.device);
  teacher.eval();
  generator.denoiser.eval();
  const loss = inferenceMode(() =>
    scope(() => {
      const condition = generator.conditions(samples, random);
      const made = generator.generate(generator.latents(samples, random), condition);
      return denoisingLoss(teacher, made, noise, { generator: random, condition, sigmaData }).item();
    }),
  );
  return { loss, needed: loss > 1 };
}
