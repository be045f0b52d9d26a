import { type Generator, randint, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Condition, describeCondition, selectRows, tensorsOf } from "../models/condition.js";
import type { Student } from "./student.js";

/**
 * Checks that samples match the student's. @param who caller's name for the message
 * @throws DisbackError if their shape or condition differs
 */
export function requireFitting(pool: SamplePool, student: Student, who: string): void {
  const { sampleShape, condition } = student.facts;
  if (pool.sampleShape.join() !== sampleShape.join())
    throw new DisbackError(
      `${who}: the real samples are [${pool.sampleShape.join(", ")}], the student's [${sampleShape.join(", ")}]`,
    );
  const [own, wanted] = [describeCondition(pool.conditionShapes), describeCondition(condition)];
  if (Object.keys(condition).length > 0 && own !== wanted)
    throw new DisbackError(`${who}: the real samples come with ${own}, the student takes ${wanted}`);
}

/** Samples with their conditions and latents, `[M, ...]` each. */
export interface PooledSamples {
  samples: Tensor;
  /** their conditions */
  condition?: Condition | undefined;
  /** their latents */
  latents?: Tensor | undefined;
}

/**
 * Samples in memory from which batches are drawn at random, with replacement. The draw depends only on the generator,
 * so a resumed run sees the same. Owns its tensors.
 */
export class SamplePool {
  readonly size: number;

  /** @throws DisbackError if there are none, or if rows are missing */
  constructor(private readonly all: PooledSamples) {
    this.size = all.samples.shape[0]!;
    if (this.size === 0) throw new DisbackError("sample pool: there are no samples");
    for (const [name, rows] of Object.entries(all) as [string, Tensor | Condition | undefined][]) {
      for (const { shape } of tensorsOf(rows)) {
        if (shape[0] !== this.size)
          throw new DisbackError(`sample pool: ${shape[0]} ${name} for ${this.size} samples`);
      }
    }
  }

  /** Shape of one sample. */
  get sampleShape(): number[] {
    return this.all.samples.shape.slice(1);
  }

  /** Shapes of one sample's condition. */
  get conditionShapes(): Record<string, number[]> {
    const entries = Object.entries(this.all.condition ?? {});
    return Object.fromEntries(entries.map(([name, tensor]) => [name, tensor.shape.slice(1)]));
  }

  /** @param random on the samples' device */
  draw(count: number, random: Generator): PooledSamples {
    const rows = randint(0, this.size, [count], { generator: random, device: this.all.samples.device });
    const { samples, condition, latents } = this.all;
    return {
      samples: samples.indexSelect(0, rows),
      condition: selectRows(condition, rows),
      latents: latents?.indexSelect(0, rows),
    };
  }

  dispose(): void {
    for (const rows of Object.values(this.all) as (Tensor | Condition | undefined)[]) {
      for (const tensor of tensorsOf(rows)) tensor.dispose();
    }
  }
}
