import { Generator, inferenceMode, ops, scope } from "@disback/torch";
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

export interface TrajectoryNeed {
  /** the teacher's denoising loss on the initial student's samples */
  loss: number;
  /** the student starts with the teacher's own weights */
  copy: boolean;
  needed: boolean;
}

/**
 * Whether a trajectory can pay for a student that did not imitate the teacher. Two things speak against it, both measured
 * (docs/study-2d.md):
 *
 * - The student is the teacher's copy. It never gained anything from a trajectory, however far its first samples were.
 * - The teacher's denoising loss on the initial student's samples is below 1, in units in which the trivial denoiser
 *   `c_skip x` has about 1 on data (Karras et al. 2022, appendix B.6): the student is in the teacher's range already.
 *   Above 1 the teacher restores these samples worse than no model at all.
 *
 * Ours; costs one pass of each.
 */
export function trajectoryNeed(options: TrajectoryNeedOptions): TrajectoryNeed {
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
  const copy = sameWeights(teacher, generator.denoiser);
  return { loss, copy, needed: !copy && loss > 1 };
}

function sameWeights(a: DenoiserModule, b: DenoiserModule): boolean {
  const [left, right] = [a.stateDict(), b.stateDict()];
  if (left.size !== right.size) return false;
  return inferenceMode(() =>
    [...left].every(([key, tensor]) => {
      const other = right.get(key);
      return other !== undefined && tensor.shape.join() === other.shape.join() && ops.equal(tensor, other);
    }),
  );
}
