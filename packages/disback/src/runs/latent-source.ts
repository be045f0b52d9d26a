import { type Device, fromTypedArray, Generator, randn, stack, type Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";

/** Latents and, for class-conditional models, the classes that go with them. */
export interface Latents {
  /** Standard normal `[N, ...sampleShape]`, or `[N, steps, ...sampleShape]` for a few-step student. */
  latents: Tensor;
  /** `class` one-hot `[N, labelDim]`; absent for unconditional models. */
  condition?: Condition;
  /** The classes as numbers. */
  labels?: number[];
}

/** Which latents a model takes: noise of its samples' shape, for each of its steps, or what it draws itself. */
export interface LatentKind {
  steps: number;
  draw?: (count: number, generator: Generator) => Tensor;
}

/**
 * Draws latents from a generator of its own, so that judging a model leaves the training's random numbers alone, and
 * the same seed shows teacher and student from the same latents: noise of later steps has a generator of its own.
 * Classes come in turn.
 */
export class LatentSource {
  private readonly generator: Generator;
  private readonly laterGenerator: Generator;
  private drawn = 0;

  constructor(
    private readonly sampleShape: readonly number[],
    private readonly labelDim: number,
    private readonly options: {
      seed: number;
      device: Device;
      label?: number | undefined;
    } & Partial<LatentKind>,
  ) {
    this.generator = new Generator(options.seed, options.device);
    this.laterGenerator = new Generator(options.seed + 1, options.device);
  }

  next(count: number): Latents {
    const { device, label, steps = 1 } = this.options;
    const draw = (generator: Generator) =>
      this.options.draw?.(count, generator) ?? randn([count, ...this.sampleShape], { generator, device });
    const noise = [draw(this.generator)];
    while (noise.length < steps) noise.push(draw(this.laterGenerator));
    const latents = steps > 1 ? stack(noise, 1) : noise[0]!;
    const first = this.drawn;
    this.drawn += count;
    if (this.labelDim === 0) return { latents };
    const labels = Array.from({ length: count }, (_, i) => label ?? (first + i) % this.labelDim);
    const rows = new Float32Array(count * this.labelDim);
    for (const [row, column] of labels.entries()) rows[row * this.labelDim + column] = 1;
    const classes = fromTypedArray(rows, [count, this.labelDim], { device });
    return { latents, labels, condition: { class: classes } };
  }
}
