import {
  EMA,
  Generator,
  inferenceMode,
  type Module,
  noGrad,
  ops,
  type Schedule,
  type State,
  scope,
  stateNumber,
  type Tensor,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { normalizeWeights } from "../models/normalized.js";
import { type Execution, requireCounts } from "../training/execution.js";
import { learningRateSchedule } from "../training/learning-rate.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";
import { defaults, withDefaults } from "./defaults.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import type { SamplePool } from "./sample-pool.js";
import { selectWeights } from "./select-weights.js";
import { type Drawn, draw, generate } from "./student.js";
import { pairDistance } from "./teacher-pairs.js";

/**
 * - `squares`: the mean square of the difference;
 * - `own`: the loss that the student's denoiser is fitted by (`restorationLoss`; for letters it is the cross-entropy with the
 *   teacher's probabilities), less what the teacher's own answers cost.
 */
export const imitationLosses = ["squares", "own"] as const;

export type ImitationLoss = (typeof imitationLosses)[number];

/** Options of an imitation. Defaults are those of `defaults.imitation`. */
export interface ImitationOptions {
  /** not changed */
  teacher: DenoiserModule;
  /** trained in place */
  student: DenoiserStudent;
  /** largest number of steps of imitating the teacher's single step; 0 for samples alone */
  steps?: number;
  /** the teacher's samples for latents of the student (`teacherPairs`), which are imitated after that; not disposed of */
  samples?: SamplePool | undefined;
  /** steps of imitating them, default 0 */
  sampleSteps?: number | undefined;
  /**
   * ends, after at least ten steps, when the mean squared difference is below this fraction of the variance of the
   * teacher's outputs; 0: after all steps
   */
  tolerance?: number;
  /** whether a smaller student of the teacher's architecture starts with the first channels of the teacher's weights */
  inherit?: boolean;
  /** what is minimised; `own` is for one-step students whose denoiser has a loss of its own, and makes all steps */
  loss?: ImitationLoss;
  /** samples per step, over all processes */
  batchSize?: number;
  /** Adam's learning rate */
  learningRate?: number;
  execution?: Execution;
}

/** The figures of one step. */
export interface ImitationFigures {
  /** mean squared difference before the update */
  loss: number;
  /** norm of its gradient */
  gradientNorm: number;
}

/** Weight of the earlier steps in the mean difference: it averages about ten steps … */
const MEMORY = 0.9;
/** … and is not reliable after fewer. */
const FEWEST_STEPS = 10;
/**
 * The weights are averaged over the steps that imitate samples. The average keeps e^-4 of what these began with; if there are
 * no other steps, as for a copy, e^-1.5, which holds it back from learning the samples by heart.
 */
const AVERAGED = { alone: 1.5, afterStep: 4 };
/** Number of the teacher's outputs from which their variance is measured. */
const ANSWERS = 64;

/**
 * Before the two stages of DisBack, for students that do not start as a copy of the teacher: the student learns to give
 * the outputs of the teacher's network for the same latents.
 *
 *     minimise E | G(z) - D(sigmaInit z; sigmaInit) |^2
 *
 * The student then starts where a copy would. A step of this regression is several times cheaper than a step of
 * distribution matching and, unlike it, converges fast from random weights. Our own; DMD2 starts its one-step SDXL with
 * a similar regression (Yin et al. 2024b, section 4.4). The imitation need not be exact, so it stops early by itself.
 *
 * The teacher's single step is a mean of many samples. So the student may then imitate some of its samples, a copy these alone: a
 * short plain regression (Luhman and Luhman 2021, eq. 5) whose learning rate falls to 0 in its second half, and whose
 * weights are averaged.
 */
export class Imitation extends Training<"loss" | "gradientNorm"> {
  /** largest number of steps, of both kinds */
  readonly steps: number;
  private readonly answerSteps: number;
  private readonly sampleSteps: number;
  /** steps done when the samples' turn began */
  private sampledFrom: number | undefined;
  protected readonly trainers: { optimizer: NetworkTrainer };
  protected readonly parts: Parts;
  private readonly student: DenoiserStudent;
  private readonly model: DenoiserStudent;
  /** moving average of the mean squared difference, starting at 0 */
  private difference = 0;
  private readonly enough: number;
  private readonly ownLoss: boolean;
  private readonly samples: SamplePool | undefined;
  private readonly ema: EMA<DenoiserModule> | undefined;
  protected override readonly rateSchedule: Schedule;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: ImitationOptions) {
    const { teacher, student, execution } = options;
    const settings = withDefaults(defaults.imitation, options);
    const { steps, batchSize, learningRate, tolerance, inherit } = settings;
    super({ name: "imitation", batchSize, device: student.device, execution });
    const { samples, sampleSteps = 0 } = options;
    requireCounts("imitation", {
      ...(samples ? { sampleSteps } : {}),
      ...(samples && steps === 0 ? {} : { steps }),
    });
    this.samples = samples;
    this.answerSteps = steps;
    this.sampleSteps = samples ? sampleSteps : 0;
    this.steps = steps + this.sampleSteps;
    if (steps === 0) this.sampledFrom = 0;
    const falling = learningRateSchedule({
      ...{ rampUp: 0, decay: "cosine", iterations: sampleSteps, decayFrom: Math.floor(sampleSteps / 2) },
    });
    this.rateSchedule = (iteration) =>
      this.sampledFrom === undefined ? 1 : falling(iteration - this.sampledFrom);
    this.student = student;
    teacher.eval();
    if (inherit) selectWeights(teacher, student.module);
    this.model = student.withModule(teacher);
    this.processes.requireSameWeights("teacher", teacher.parameters());
    this.ownLoss = settings.loss === "own";
    if (this.ownLoss && (student.evaluations > 1 || !student.module.restorationLoss))
      throw new DisbackError(
        'imitation: "loss": own needs a one-step student whose denoiser has a loss of its own, as that of letters',
      );
    this.enough =
      tolerance > 0 && !this.ownLoss && steps > 0
        ? tolerance * this.answersVariance(execution?.seed ?? 0)
        : 0;
    const parameters = student.module.requiresGrad_(true).parameters();
    const { processes } = this;
    this.trainers = {
      optimizer: new NetworkTrainer(parameters, {
        ...{ learningRate, processes, name: "student" },
        afterStep: () => normalizeWeights(student.module),
      }),
    };
    const averaged = AVERAGED[steps === 0 ? "alone" : "afterStep"];
    if (samples) this.ema = new EMA(student.module, { decay: Math.exp(-averaged / sampleSteps) });
    this.parts = { student: weightsPart(student.module), ...(this.ema ? { average: this.ema } : {}) };
  }

  /** The student as it is judged and left: as soon as it imitates samples, with the average of its weights. */
  get average(): DenoiserStudent {
    return this.ema && this.imitatesSamples ? this.student.withModule(this.ema.module) : this.student;
  }

  private get imitatesSamples(): boolean {
    return this.sampledFrom !== undefined;
  }

  /** Gives the student the weights of `average`, at the end. */
  settle(): void {
    if (this.ema) this.student.module.loadStateDict(this.ema.module.stateDict());
  }

  protected override get circumstances(): readonly unknown[] {
    return [this.imitatesSamples];
  }

  protected override beforeUpdate(): void {
    if (!this.ema || this.imitatesSamples || !this.answersLikeTheTeacher) return;
    this.sampledFrom = this.iteration;
    this.ema.module.loadStateDict(this.student.module.stateDict());
  }

  protected override afterUpdate(): void {
    if (this.imitatesSamples) this.ema?.update();
  }

  override dispose(): void {
    super.dispose();
    this.ema?.dispose();
  }

  get finished(): boolean {
    const { sampledFrom, sampleSteps } = this;
    if (sampleSteps === 0) return this.answersLikeTheTeacher;
    return sampledFrom !== undefined && this.iteration >= sampledFrom + sampleSteps;
  }

  private get answersLikeTheTeacher(): boolean {
    const { iteration } = this;
    if (iteration >= this.answerSteps) return true;
    const unbiased = this.difference / (1 - MEMORY ** iteration);
    return iteration >= FEWEST_STEPS && unbiased < this.enough;
  }

  get networks(): Record<string, Module> {
    return { student: this.student.module, teacher: this.model.module };
  }

  /** One update of the student. */
  step(): ImitationFigures {
    const figures = this.advance();
    if (this.imitatesSamples) return figures;
    this.difference = MEMORY * this.difference + (1 - MEMORY) * figures.loss;
    return figures;
  }

  protected update() {
    this.student.module.train();
    const { loss, norm } = this.trainers.optimizer.update(this.batch, ({ count, random }) => {
      if (this.imitatesSamples) {
        const { student } = this;
        const distance = pairDistance("squared", student, this.samples!, { count, random });
        const loss = distance.div(student.facts.sampleShape.reduce((product, size) => product * size, 1));
        return { loss, figures: { loss } };
      }
      const drawn = draw(this.student, count, random);
      const wanted = noGrad(() => generate(this.model, drawn)); // D(sigmaInit z; sigmaInit)
      const loss = this.ownLoss
        ? this.excess(drawn, wanted)
        : generate(this.student, drawn).sub(wanted).square().mean();
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm };
  }

  /** How much more the student's answers cost than the teacher's; for letters the divergence between their probabilities. */
  private excess({ latents, condition }: Drawn, wanted: Tensor): Tensor {
    const { sigmaInit } = this.student;
    const sigma = ops.full([latents.shape[0]!], sigmaInit, "float32", null, latents.device);
    const cost = (module: DenoiserModule) =>
      module.restorationLoss!(latents.mul(sigmaInit), sigma, wanted, condition);
    const least = noGrad(() => cost(this.model.module));
    return cost(this.student.module).sub(least);
  }

  protected override values(): State["values"] {
    return { difference: this.difference, sampledFrom: this.sampledFrom };
  }

  protected override loadValues(state: State): void {
    this.difference = stateNumber(state, "difference");
    if (typeof state.values.sampledFrom === "number") this.sampledFrom = state.values.sampledFrom;
  }

  /** The variance of the teacher's outputs, averaged over the elements. */
  private answersVariance(seed: number): number {
    const { model } = this;
    const random = new Generator(seed, model.device);
    return inferenceMode(() =>
      scope(() => {
        const condition = model.conditions.draw(ANSWERS, random);
        const answers = model.generate(model.latents(ANSWERS, random), condition);
        return ops.var_dim(answers, 0).mean().item();
      }),
    );
  }
}

/** Runs a whole imitation. @see Imitation */
export function imitate(options: ImitationOptions): void {
  const imitation = new Imitation(options);
  while (!imitation.finished) imitation.step();
  imitation.settle();
  imitation.dispose();
}
