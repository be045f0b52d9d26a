import { cat, Generator, scope, type Tensor } from "@disback/torch";
import { type Condition, narrowRows } from "../models/condition.js";
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

/** Where an objective has its pairs from: made when it is prepared, or made before, for its teacher and student. */
export type PairsSource = Omit<TeacherPairsOptions, "seed"> | SamplePool;

/** The pairs of an objective that is being prepared. */
export function pairsFrom(
  source: PairsSource,
  { teacher, student, seed }: { teacher: Denoiser; student: DenoiserStudent; seed: number },
): SamplePool {
  return source instanceof SamplePool ? source : teacherPairs(teacher, student, { ...source, seed });
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
  options: TeacherPairsOptions = {},
): SamplePool {
  const parts = pairsInParts(teacher, student, options);
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
  }
}

/** The same pairs. @param between called after each part with the number of pairs made; may throw to stop */
export async function teacherPairsInParts(
  teacher: Denoiser,
  student: DenoiserStudent,
  options: TeacherPairsOptions,
  between: (done: number) => Promise<void>,
): Promise<SamplePool> {
  const parts = pairsInParts(teacher, student, options);
  for (;;) {
    const { done, value } = parts.next();
    if (done) return value;
    await between(value);
  }
}

/** Makes the pairs a batch at a time. Yields how many are made. */
function* pairsInParts(
  teacher: Denoiser,
  student: DenoiserStudent,
  { count = 1000, steps = 18, seed = 0, batchSize = 250 }: TeacherPairsOptions,
): globalThis.Generator<number, SamplePool> {
  requireCounts("teacher pairs", { count, steps, batchSize });
  const { latents, condition } = scope(() => {
    const random = new Generator(seed, student.device);
    const latents = student.latents(count, random);
    const condition: Condition | undefined = student.conditions.draw(count, random);
    return { latents, condition };
  });
  const made: Tensor[] = [];
  for (let start = 0; start < count; start += batchSize) {
    const length = Math.min(batchSize, count - start);
    made.push(
      scope(() => {
        const told = narrowRows(condition, start, length);
        const noise = student.noiseOf(latents.narrow(0, start, length), 0);
        return heun(teacher, noise, { steps, condition: told });
      }),
    );
    yield start + length;
  }
  const samples = cat(made);
  for (const part of made) part.dispose();
  return new SamplePool({ latents, condition, samples });
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
