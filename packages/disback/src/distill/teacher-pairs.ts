import { cat, Generator, scope, type Tensor } from "@disback/torch";
import { narrowRows } from "../models/condition.js";
import type { Denoiser } from "../models/denoiser.js";
import { heun } from "../models/samplers.js";
import { requireCounts } from "../training/execution.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import { meanDistance, type SampleDistance } from "./sample-distance.js";
import { SamplePool } from "./sample-pool.js";

export interface TeacherPairsOptions {
  /** pairs in memory, default 1000 */
  count?: number;
  /** Heun steps of the teacher per pair, default 18 */
  steps?: number;
  /** seed of the latents and conditions, default 0 */
  seed?: number;
  /** pairs computed at once, default 250 */
  batchSize?: number;
}

/**
 * Pairs `(z, y)` of noise and the output of the teacher's deterministic sampler for it (Heun, from sigma 80). Used by
 * plain regression and by DMD's regression term (Yin et al. 2024, section 3.3). The same seed gives the same pairs.
 *
 * @throws DisbackError naming the option that is wrong
 */
export function teacherPairs(
  teacher: Denoiser,
  student: DenoiserStudent,
  { count = 1000, steps = 18, seed = 0, batchSize = 250 }: TeacherPairsOptions = {},
): SamplePool {
  requireCounts("teacher pairs", { count, steps, batchSize });
  const all = scope(() => {
    const random = new Generator(seed, student.device);
    const latents = student.latents(count, random);
    const condition = student.conditions.draw(count, random);
    const samples: Tensor[] = [];
    for (let start = 0; start < count; start += batchSize) {
      const length = Math.min(batchSize, count - start);
      const told = narrowRows(condition, start, length);
      const noise = student.noiseOf(latents.narrow(0, start, length), 0);
      samples.push(heun(teacher, noise, { steps, condition: told }));
    }
    return { latents, condition, samples: cat(samples) };
  });
  return new SamplePool(all);
}

/**
 * The student's mean distance to a random batch of pairs, a tensor `[]` with a graph to its weights. For few-step
 * students every number of steps is drawn equally often.
 */
export function pairDistance(
  kind: SampleDistance,
  student: DenoiserStudent,
  pairs: SamplePool,
  { count, random }: { count: number; random: Generator },
): Tensor {
  const { latents, condition, samples } = pairs.draw(count, random);
  return meanDistance(kind, student.generate(latents!, condition, student.drawSteps(random)), samples);
}
