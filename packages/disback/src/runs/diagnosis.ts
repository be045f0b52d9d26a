import { BEST_BY } from "./best-model.js";
import type { MetricsEntry } from "./metrics-log.js";
import { shortNumber } from "./wording.js";

/** What can go wrong with a student while its losses look fine. */
export type Problem = "collapse" | "oversaturation" | "lagging auxiliary model" | "overfed discriminator";

/** A problem, the figures that show it, and the setting to try. */
export interface Diagnosis {
  problem: Problem;
  /** one clause with figures */
  sign: string;
  /** one clause with settings */
  advice: string;
}

/** What is known of a run besides its log. */
export interface DiagnosisContext {
  /** standard deviation of the teacher's samples, measured as the log's `spread`; without it there is no oversaturation */
  teacherSpread?: number | undefined;
}

/** Evaluations after the first that are needed to see a trend. */
const ENOUGH = 4;
/** Samples of less than this share of the teacher's spread have collapsed, if they were wider before. */
const COLLAPSED = 0.7;
/** More modes than this were covered before and are lost, as a share of all. */
const LOST_MODES = 0.25;
/** Samples of more than this multiple of the teacher's spread are oversaturated. */
const OVERSATURATED = 1.15;
/** The distance to the data has grown by this factor since its best. */
const WORSE = 1.5;
/** If the mismatch degree was never above this, the auxiliary model never saw the student's distance from the target. */
const AGREES = 1.05;
/** Above this mean softplus(-d), where ln 2 = 0.69 is chance, the discriminator has won. */
const BEATEN = 1.2;

/**
 * Recognizes problems in a student's log, by rules that were set on runs made on purpose in the plane (docs/objectives.md).
 * They look at the last third of the evaluations, and say nothing before there are four.
 *
 * @param entries of one stage, in order
 */
export function diagnose(
  entries: readonly MetricsEntry[],
  { teacherSpread }: DiagnosisContext = {},
): Diagnosis[] {
  const trained = entries.filter(({ iteration }) => iteration > 0);
  if (trained.length < ENOUGH) return [];
  const curves = new Curves(trained);
  return [
    collapse(curves, teacherSpread),
    oversaturation(curves, teacherSpread),
    laggingAuxiliary(curves),
    overfedDiscriminator(curves),
  ].filter((found) => found !== undefined);
}

/** A diagnosis in one line. */
export function describeDiagnosis({ problem, sign, advice }: Diagnosis): string {
  return `${problem}: ${sign}; try ${advice}`;
}

function collapse(curves: Curves, teacherSpread: number | undefined): Diagnosis | undefined {
  const [late, widest] = [curves.late("spread"), curves.largest("spread")];
  const [modes, mostModes] = [curves.late("modeCoverage"), curves.largest("modeCoverage")];
  const narrowed = late < COLLAPSED * (teacherSpread ?? widest) && late < COLLAPSED * widest;
  // Oversaturated samples leave the modes outwards.
  const forgot = modes < mostModes - LOST_MODES && !(late > OVERSATURATED * (teacherSpread ?? widest));
  if (!narrowed && !forgot) return undefined;
  const from = narrowed
    ? `the samples' spread fell from ${shortNumber(widest)} to ${shortNumber(late)}`
    : `the share of covered modes fell from ${shortNumber(mostModes)} to ${shortNumber(modes)}`;
  return {
    problem: "collapse",
    sign: from,
    advice: curves.has("gap")
      ? "a lower studentLearningRate, auxiliarySteps 2 or more, or the objective f-distill with forward-kl"
      : "a lower studentLearningRate",
  };
}

function oversaturation(curves: Curves, teacherSpread: number | undefined): Diagnosis | undefined {
  const late = curves.late("spread");
  if (teacherSpread === undefined || !(late > OVERSATURATED * teacherSpread)) return undefined;
  return {
    problem: "oversaturation",
    sign: `the samples' spread is ${shortNumber(late)}, the teacher's ${shortNumber(teacherSpread)}`,
    advice: "less guidance, or a smaller generatorWeight",
  };
}

function laggingAuxiliary(curves: Curves): Diagnosis | undefined {
  const figure = BEST_BY.find((name) => curves.has(name)) ?? BEST_BY[0]!;
  const [late, best] = [curves.late(figure), curves.smallest(figure)];
  const mismatch = curves.largest("mismatch");
  if (!(curves.has("mismatch") && late > WORSE * best && mismatch < AGREES)) return undefined;
  return {
    problem: "lagging auxiliary model",
    sign: `the mismatch degree was never above ${shortNumber(mismatch)}, as if the student were there, but its samples got worse by a factor of ${shortNumber(late / best)}`,
    advice: "a higher auxiliaryLearningRate, auxiliarySteps 2 or more, or idaDecay 0.97",
  };
}

function overfedDiscriminator(curves: Curves): Diagnosis | undefined {
  // An objective that trains weights of its own has a discriminator; its loss is the adversarial one.
  const late = curves.late(curves.has("ownLoss") ? "loss" : "adversarial");
  if (!(late > BEATEN)) return undefined;
  return {
    problem: "overfed discriminator",
    sign: `its adversarial loss for the student's samples is ${shortNumber(late)}, where 0.69 is chance`,
    advice: "a smaller discriminatorWeight or auxiliaryLearningRate, fewer auxiliarySteps, or r1Weight 1",
  };
}

/** The figures of a log by name. */
class Curves {
  constructor(private readonly entries: readonly MetricsEntry[]) {}

  has(name: string): boolean {
    return this.values(name).length > 0;
  }

  /** Median over the last third; NaN if the figure is absent, with which every comparison is false. */
  late(name: string): number {
    const values = this.values(name);
    const last = values.slice(-Math.ceil(values.length / 3)).sort((a, b) => a - b);
    return last.length === 0 ? Number.NaN : last[Math.floor(last.length / 2)]!;
  }

  largest(name: string): number {
    return Math.max(...this.values(name));
  }

  smallest(name: string): number {
    return Math.min(...this.values(name));
  }

  private values(name: string): number[] {
    return this.entries.flatMap((entry) => {
      const value = entry[name];
      return typeof value === "number" ? [value] : [];
    });
  }
}
