import { type Device, fromTypedArray, Generator, randn, stack, type Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { PromptRows } from "../text/prompt-rows.js";

/** Latents and, for class-conditional models, their classes. */
export interface Latents {
  /** Standard normal `[N, ...sampleShape]`, or `[N, steps, ...sampleShape]` for a few-step student. */
  latents: Tensor;
  /** `class` one-hot `[N, labelDim]`, or `tokens`; absent for unconditional models. */
  condition?: Condition;
  /** The classes as numbers. */
  labels?: number[];
  /** The prompts that the tokens are of. */
  prompts?: string[];
}

/** A model's kind of latents: noise of its samples' shape for each step, or what it draws itself. */
export interface LatentKind {
  steps: number;
  draw?: (count: number, generator: Generator) => Tensor;
}

/**
 * Draws latents from its own generator, so that evaluation does not change the training's random numbers. Noise of
 * later steps has another generator, so the same seed gives teacher and student the same latents. Classes and
 * prompts come in turn.
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
      /** classes to draw in turn; all when not given */
      labels?: readonly number[] | undefined;
      prompts?: PromptRows | undefined;
    } & Partial<LatentKind>,
  ) {
    this.generator = new Generator(options.seed, options.device);
    this.laterGenerator = new Generator(options.seed + 1, options.device);
  }

  next(count: number): Latents {
    const { device, prompts, steps = 1 } = this.options;
    const draw = (generator: Generator) =>
      this.options.draw?.(count, generator) ?? randn([count, ...this.sampleShape], { generator, device });
    const noise = [draw(this.generator)];
    while (noise.length < steps) noise.push(draw(this.laterGenerator));
    const latents = steps > 1 ? stack(noise, 1) : noise[0]!;
    const first = this.drawn;
    this.drawn += count;
    if (prompts) {
      const places = Array.from({ length: count }, (_, i) => (first + i) % prompts.texts.length);
      const condition = prompts.conditions(places, device);
      return { latents, condition, prompts: places.map((place) => prompts.texts[place]!) };
    }
    if (this.labelDim === 0) return { latents };
    const { labels: own } = this.options;
    const labels = Array.from({ length: count }, (_, i) =>
      own ? own[(first + i) % own.length]! : (first + i) % this.labelDim,
    );
    const rows = new Float32Array(count * this.labelDim);
    for (const [row, column] of labels.entries()) rows[row * this.labelDim + column] = 1;
    const classes = fromTypedArray(rows, [count, this.labelDim], { device });
    return { latents, labels, condition: { class: classes } };
  }
}
