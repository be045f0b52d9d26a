import { cat, Generator, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Denoiser } from "../models/denoiser.js";
import { heun } from "../models/samplers.js";
import { meanDistance, type SampleDistance } from "./sample-distance.js";
import { SamplePool } from "./sample-pool.js";
import type { StudentGenerator } from "./student-generator.js";

export interface TeacherPairsOptions {
  /** pairs in memory, default 1000 */
  count?: number;
  /** Heun steps of the teacher for each, default 18 */
  steps?: number;
  /** decides the latents and conditions, default 0 */
  seed?: number;
  /** pairs made at once, default 250 */
  batchSize?: number;
}

/**
 * Pairs `(z, y)` of noise and what the teacher's deterministic sampler (Heun, from sigma 80) makes of it: the data of
 * plain regression and of DMD's regression term (Yin et al. 2024, section 3.3). The same seed gives the same pairs.
 *
 * @throws DisbackError naming the option that is wrong
 */
export function teacherPairs(
  teacher: Denoiser,
  student: StudentGenerator,
  { count = 1000, steps = 18, seed = 0, batchSize = 250 }: TeacherPairsOptions = {},
): SamplePool {
  for (const [name, value] of Object.entries({ count, steps, batchSize })) {
    if (!Number.isInteger(value) || value < 1)
      throw new DisbackError(`teacher pairs: "${name}" must be a whole number from 1, not ${value}`);
  }
  const all = scope(() => {
    const random = new Generator(seed, student.device);
    const latents = student.latents(count, random);
    const condition = student.conditions(count, random);
    const samples: Tensor[] = [];
    for (let start = 0; start < count; start += batchSize) {
      const length = Math.min(batchSize, count - start);
      const told = condition?.narrow(0, start, length);
      const options = told ? { steps, condition: told } : { steps };
      const noise = student.noiseOf(latents.narrow(0, start, length), 0);
      samples.push(heun(teacher, noise, options));
    }
    return { latents, condition, samples: cat(samples) };
  });
  return new SamplePool(all);
}

/**
 * How far a student is from a batch of pairs, drawn at random: a tensor `[]` with a graph to its weights. Few-step
 * students are held to it after each of their steps, equally often.
 */
export function pairDistance(
  kind: SampleDistance,
  student: StudentGenerator,
  pairs: SamplePool,
  { count, generator }: { count: number; generator: Generator },
): Tensor {
  const { latents, condition, samples } = pairs.draw(count, generator);
  return meanDistance(kind, student.generate(latents!, condition, student.drawSteps(generator)), samples);
}
