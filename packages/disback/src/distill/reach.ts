import { Generator, inferenceMode, randn, scope, type Tensor } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { heun } from "../models/samplers.js";
import { denoisingLoss } from "./denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import { deviceOf, type Student } from "./student.js";

/** Heun steps from pure noise, and from the highest level in use. */
const steps = 12;

export interface ReachOptions {
  teacher: DenoiserModule;
  /** the student before its first step */
  student: Student;
  /** the noise levels that the objective uses, default EDM's log-normal */
  levels?: NoiseDistribution | undefined;
  /** number of samples, default 64, and more if these hold less than 4096 numbers: 2048 points of the plane */
  samples?: number;
  /** seed of the samples and all noise, default 0 */
  seed?: number;
}

/** @see measureReach */
export interface Reach {
  /** the highest noise level in use: a twentieth of the levels lies above it */
  highest: number;
  /** the teacher's loss on the student's samples that it has denoised from there, over that on its own that went the same way */
  ratio: number;
}

/**
 * Do the noise levels in use bridge the gap between the student and the data? The student's first samples are noised to the
 * highest level in use, and the teacher's sampler denoises them from there (as SDEdit does, Meng et al. 2022). If this leads
 * to the data, the teacher fits the result as well as its own samples that were noised and denoised alike, and the ratio of its
 * denoising losses, at the levels in use, is about 1. If the noise does not reach, the samples stay where the teacher's answers
 * mean little, and the ratio is large. Our own measure; docs/trajectories.md compares it with where a trajectory paid.
 *
 * Costs `6 * steps - 3` evaluations of the teacher on the samples, 69. Puts teacher and student in evaluation mode.
 */
export function measureReach(options: ReachOptions): Reach {
  const { teacher, student, levels = new LogNormal(), seed = 0 } = options;
  const numbers = student.facts.sampleShape.reduce((product, size) => product * size, 1);
  const { samples = Math.max(64, Math.ceil(4096 / numbers)) } = options;
  const device = deviceOf(student);
  teacher.eval();
  student.module.eval();
  return inferenceMode(() =>
    scope(() => {
      const random = new Generator(seed, device);
      const condition = student.conditions.draw(samples, random);
      const made = student.generate(student.latents(samples, random), condition);
      const highest = quantile(levels, 0.95, seed + 1);
      const noise = () => randn(made.shape, { generator: random, device });
      const walk = (from: Tensor) =>
        heun(teacher, from.div(highest).add(noise()), {
          // The sampler takes latents of deviation 1 and multiplies them by its highest level.
          steps,
          sigmaMax: highest,
          sigmaMin: Math.min(0.002, highest / 2),
          condition,
        });
      const own = heun(teacher, noise(), { steps, condition });
      const loss = (clean: Tensor) =>
        denoisingLoss(teacher, clean, levels, { random: new Generator(seed + 2, device), condition }).item();
      return { highest, ratio: loss(walk(made)) / loss(walk(own)) };
    }),
  );
}

/** A quantile of the noise levels, from 4096 draws. */
function quantile(levels: NoiseDistribution, share: number, seed: number): number {
  const drawn = Array.from(levels.sample(4096, new Generator(seed)).data() as Float32Array).sort(
    (a, b) => a - b,
  );
  return drawn[Math.floor(share * drawn.length)]!;
}
