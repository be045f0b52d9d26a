import { z } from "zod";
import type { Figures } from "./progress.js";

/** Losses are about 1 where a denoiser knows nothing (EDM's weights): so many times that is no learning any more. */
const LOSS_GROWTH = 100;
/** A gradient's norm depends on the network: it is held against what it was before. */
const NORM_GROWTH = 1000;
/** Steps before a norm counts as known: the very first ones may be close to 0. */
const STEPS_TO_KNOW_NORMS = 10;
/** Samples whose spread is below this share of the data's are all alike; so many times above it they have run away. */
const COLLAPSED = 0.01;
const SCATTERED = 100;
/** A student may start with any spread: it has collapsed only if it had more before, and run away only if less. */
const SHARE_OF_START = 0.1;

const stateSchema = z.object({
  firstLoss: z.number().optional(),
  largestNorms: z.record(z.string(), z.number()),
  steps: z.number(),
  firstSpread: z.number().optional(),
});

/**
 * Sees numbers going wrong: a figure that is not finite at once; losses and gradients that explode and samples that
 * are all alike at the next evaluation. What it goes by is part of a run's state.
 */
export class DivergenceWatch {
  private known: z.output<typeof stateSchema> = { largestNorms: {}, steps: 0 };

  /** @param sigmaData standard deviation of the data, by which the samples' spread is judged; not judged without it */
  constructor(private readonly sigmaData?: number) {}

  /** Looks at the figures of one step. @returns what is wrong, in words, or undefined */
  step(figures: Figures): string | undefined {
    this.known.steps++;
    return notFinite(figures);
  }

  /**
   * Looks at an evaluation.
   * @param means means of the steps' figures since the last one
   * @param judged figures of the samples; `spread` is their standard deviation
   */
  evaluation(means: Figures, judged: Figures): string | undefined {
    const { known } = this;
    const fault = notFinite(judged) ?? this.exploded(means) ?? this.misshapen(judged.spread);
    if (fault !== undefined) return fault;
    known.firstLoss ??= means.loss;
    known.firstSpread ??= judged.spread;
    for (const [name, norm] of norms(means)) {
      known.largestNorms[name] = Math.max(known.largestNorms[name] ?? 0, norm);
    }
    return undefined;
  }

  state(): unknown {
    return structuredClone(this.known);
  }

  /** @throws ZodError when the state is none */
  load(state: unknown): void {
    this.known = stateSchema.parse(state);
  }

  private exploded(means: Figures): string | undefined {
    const { firstLoss = 0, largestNorms, steps } = this.known;
    const before = Math.max(1, firstLoss);
    if (means.loss !== undefined && means.loss > LOSS_GROWTH * before)
      return `loss exploded to ${short(means.loss)}`;
    if (steps < STEPS_TO_KNOW_NORMS) return undefined;
    const grown = norms(means).find(([name, norm]) => {
      const largest = largestNorms[name] ?? 0;
      return largest > 0 && norm > NORM_GROWTH * largest;
    });
    return grown && `${grown[0]} exploded from ${short(largestNorms[grown[0]]!)} to ${short(grown[1])}`;
  }

  private misshapen(spread: number | undefined): string | undefined {
    const { sigmaData } = this;
    const start = this.known.firstSpread;
    if (sigmaData === undefined || spread === undefined || start === undefined) return undefined;
    if (spread < COLLAPSED * sigmaData && spread < SHARE_OF_START * start)
      return `samples collapsed: their standard deviation is ${short(spread)}, the data's ${sigmaData}`;
    if (spread > SCATTERED * Math.max(sigmaData, start))
      return `samples ran away: their standard deviation is ${short(spread)}, the data's ${sigmaData}`;
    return undefined;
  }
}

function notFinite(figures: Figures): string | undefined {
  const found = Object.entries(figures).find(([, value]) => value !== undefined && !Number.isFinite(value));
  return found && `${found[0]} became ${found[1]}`;
}

function norms(means: Figures): [string, number][] {
  return Object.entries(means).filter(
    (entry): entry is [string, number] => /gradientNorm$/i.test(entry[0]) && entry[1] !== undefined,
  );
}

function short(value: number): string {
  return value.toPrecision(3);
}
