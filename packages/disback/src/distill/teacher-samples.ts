import { cat, Generator, randn, scope, type Tensor } from "@disback/torch";
import { narrowRows } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { heun } from "../models/samplers.js";
import { requireCounts } from "../training/execution.js";
import { SamplePool } from "./sample-pool.js";
import { deviceOf, type Student } from "./student.js";

export interface TeacherSamplesOptions {
  /** samples in memory, default 1000 */
  count?: number;
  /** Heun steps per sample, default 12 */
  steps?: number;
  /** seed of noise and conditions, default 0 */
  seed?: number;
  /** samples computed at once, default 250 */
  batchSize?: number;
}

/**
 * The teacher's own samples from pure noise, with conditions drawn as the student's are. The same seed gives the same.
 * @throws DisbackError naming the option that is wrong
 */
export function teacherSamples(
  teacher: DenoiserModule,
  student: Student,
  { count = 1000, steps = 12, seed = 0, batchSize = 250 }: TeacherSamplesOptions = {},
): SamplePool {
  requireCounts("teacher samples", { count, steps, batchSize });
  teacher.eval();
  const device = deviceOf(student);
  const random = new Generator(seed, device);
  const { condition, noise } = scope(() => ({
    condition: student.conditions.draw(count, random),
    noise: randn([count, ...student.facts.sampleShape], { generator: random, device }),
  }));
  const made: Tensor[] = [];
  for (let start = 0; start < count; start += batchSize) {
    const length = Math.min(batchSize, count - start);
    const told = narrowRows(condition, start, length);
    made.push(scope(() => heun(teacher, noise.narrow(0, start, length), { steps, condition: told })));
  }
  const samples = cat(made);
  for (const part of [...made, noise]) part.dispose();
  return new SamplePool({ samples, condition });
}
