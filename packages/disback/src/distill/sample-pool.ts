import { type Generator, randint, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { StudentGenerator } from "./student-generator.js";

/**
 * Sees that samples are of the student's kind.
 * @param who needs them, for the message
 * @throws DisbackError if their shape or their number of classes is another
 */
export function requireFitting(pool: SamplePool, student: StudentGenerator, who: string): void {
  const { sampleShape, labelDim } = student;
  if (pool.sampleShape.join() !== sampleShape.join())
    throw new DisbackError(
      `${who}: the real samples are [${pool.sampleShape.join(", ")}], the student's [${sampleShape.join(", ")}]`,
    );
  if (labelDim > 0 && pool.labelDim !== labelDim)
    throw new DisbackError(
      `${who}: the real samples have ${pool.labelDim || "no"} classes, the student ${labelDim}`,
    );
}

/** Samples and what goes with them, `[M, ...]` each. */
export interface PooledSamples {
  samples: Tensor;
  /** labels as the student is told them, `[M, K]` */
  condition?: Tensor | undefined;
  /** the latents they belong to */
  latents?: Tensor | undefined;
}

/**
 * Samples in memory from which batches are drawn at random, with repetition: which ones depends on the generator
 * alone, so that a resumed run sees the same. Owns its tensors.
 */
export class SamplePool {
  readonly size: number;

  /** @throws DisbackError if there are none, or if rows are missing */
  constructor(private readonly all: PooledSamples) {
    this.size = all.samples.shape[0]!;
    if (this.size === 0) throw new DisbackError("sample pool: there are no samples");
    for (const [name, tensor] of Object.entries(all) as [string, Tensor | undefined][]) {
      if (tensor && tensor.shape[0] !== this.size)
        throw new DisbackError(`sample pool: ${tensor.shape[0]} ${name} for ${this.size} samples`);
    }
  }

  /** Shape of one sample. */
  get sampleShape(): number[] {
    return this.all.samples.shape.slice(1);
  }

  /** Columns of the condition, 0 without. */
  get labelDim(): number {
    return this.all.condition?.shape[1] ?? 0;
  }

  /** @param generator on the samples' device */
  draw(count: number, generator: Generator): PooledSamples {
    const rows = randint(0, this.size, [count], { generator, device: this.all.samples.device });
    const { samples, condition, latents } = this.all;
    return {
      samples: samples.indexSelect(0, rows),
      condition: condition?.indexSelect(0, rows),
      latents: latents?.indexSelect(0, rows),
    };
  }

  dispose(): void {
    for (const tensor of Object.values(this.all) as (Tensor | undefined)[]) tensor?.dispose();
  }
}
