import { z } from "zod";
import type { Figures } from "./progress.js";

/** A loss has exploded if it is this multiple of the first step's, or of 1, the loss of an untrained denoiser with EDM's weights. */
const LOSS_GROWTH = 100;
/** A gradient's norm depends on the network, so it is compared with earlier norms. */
const NORM_GROWTH = 1000;
/** Steps before norms are compared, because the first ones may be close to 0. */
const STEPS_TO_KNOW_NORMS = 10;
/**
 * Samples have collapsed if their spread is below this fraction of the data's, and run away if it is above this
 * multiple.
 */
const COLLAPSED = 0.01;
const SCATTERED = 100;
/**
 * A student may start with any spread. It has collapsed only if its spread was larger before, and run away only if it
 * was smaller.
 */
const SHARE_OF_START = 0.1;

const stateSchema = z.object({
  firstLoss: z.number().optional(),
  largestNorms: z.record(z.string(), z.number()),
  steps: z.number(),
  firstSpread: z.number().optional(),
});

/**
 * Detects divergence: figures that are not finite at once; exploding losses and gradients and collapsed samples at the
 * next evaluation. Its memory is part of a run's state.
 */
export class DivergenceWatch {
  private known: z.output<typeof stateSchema> = { largestNorms: {}, steps: 0 };

  /**
   * @param sigmaData standard deviation of the data, to check the samples' spread; without it there is no such check
   */
  constructor(private readonly sigmaData?: number) {}

  /** Checks the figures of one step. @returns what is wrong as text, or undefined */
  step(figures: Figures): string | undefined {
    const fault = notFinite(figures);
    this.known.steps++;
    // A regression's loss grows with the number of a sample's elements.
    if (fault === undefined) this.known.firstLoss ??= figures.loss;
    return fault;
  }

  /**
   * Checks an evaluation. @param means means of the steps' figures since the last evaluation
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

  /** @throws ZodError if the state is invalid */
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
      return `samples collapsed: their standard deviation is ${short(spread)}, that of the data ${sigmaData}`;
    if (spread > SCATTERED * Math.max(sigmaData, start))
      return `samples ran away: their standard deviation is ${short(spread)}, that of the data ${sigmaData}`;
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
