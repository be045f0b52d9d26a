import {
  Generator,
  inferenceMode,
  type Module,
  noGrad,
  ops,
  type State,
  scope,
  stateNumber,
} from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { type Execution, requireCounts } from "../training/execution.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";
import { defaults, withDefaults } from "./defaults.js";
import type { DenoiserStudent } from "./denoiser-student.js";
import { selectWeights } from "./select-weights.js";
import { draw, generate } from "./student.js";

/** How a student imitates. Defaults are those of `defaults.imitation`. */
export interface ImitationOptions {
  /** not changed */
  teacher: DenoiserModule;
  /** trained in place */
  student: DenoiserStudent;
  /** student steps at most */
  steps?: number;
  /**
   * it ends, after ten steps at the soonest, when the mean squared difference is below this part of the variance of the
   * teacher's answers; 0: after all steps
   */
  tolerance?: number;
  /** whether a smaller student of the teacher's kind starts with the first channels of its weights */
  inherit?: boolean;
  /** samples per step, of all processes together */
  batchSize?: number;
  /** Adam's learning rate */
  learningRate?: number;
  execution?: Execution;
}

/** What a step of an imitation tells. */
export interface ImitationFigures {
  /** mean squared difference before the step */
  loss: number;
  /** norm of its gradient */
  gradientNorm: number;
}

/** Part of the mean difference that the last step does not decide: it is a mean of about ten steps … */
const MEMORY = 0.9;
/** … and says little after fewer. */
const FEWEST_STEPS = 10;
/** Answers of the teacher that tell how much they differ. */
const ANSWERS = 64;

/**
 * Before the two stages of DisBack, for students that do not start as the teacher's copy: the student learns to answer
 * as the teacher's network does when it is run in its place.
 *
 *     minimise E | G(z) - D(sigmaInit z; sigmaInit) |^2
 *
 * Then it starts where a copy starts. Regression on one evaluation of the teacher is several times cheaper than a step
 * of distribution matching, and, unlike it, converges fast from random weights. Ours, in the spirit of the regression
 * that DMD2 starts its one-step SDXL with (Yin et al. 2024b, section 4.4). It is near enough long before it is exact, so
 * it ends by itself.
 */
export class Imitation extends Training<"loss" | "gradientNorm"> {
  readonly steps: number;
  protected readonly trainers: { optimizer: NetworkTrainer };
  protected readonly parts: Parts;
  private readonly student: DenoiserStudent;
  private readonly model: DenoiserStudent;
  /** moving average of the mean squared difference that starts at 0 */
  private difference = 0;
  private readonly enough: number;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: ImitationOptions) {
    const { teacher, student, execution } = options;
    const { steps, batchSize, learningRate, tolerance, inherit } = withDefaults(defaults.imitation, options);
    super({ name: "imitation", batchSize, device: student.device, execution });
    requireCounts("imitation", { steps });
    this.steps = steps;
    this.student = student;
    teacher.eval();
    if (inherit) selectWeights(teacher, student.module);
    this.model = student.withModule(teacher);
    this.processes.requireSameWeights("teacher", teacher.parameters());
    this.enough = tolerance > 0 ? tolerance * this.answersVariance(execution?.seed ?? 0) : 0;
    const parameters = student.module.requiresGrad_(true).parameters();
    const { processes } = this;
    this.trainers = {
      optimizer: new NetworkTrainer(parameters, { learningRate, processes, name: "student" }),
    };
    this.parts = { student: weightsPart(student.module) };
  }

  get finished(): boolean {
    const { iteration } = this;
    if (iteration >= this.steps) return true;
    const unbiased = this.difference / (1 - MEMORY ** iteration);
    return iteration >= FEWEST_STEPS && unbiased < this.enough;
  }

  get networks(): Record<string, Module> {
    return { student: this.student.module, teacher: this.model.module };
  }

  /** One update of the student. */
  step(): ImitationFigures {
    const figures = this.advance();
    this.difference = MEMORY * this.difference + (1 - MEMORY) * figures.loss;
    return figures;
  }

  protected update() {
    this.student.module.train();
    const { loss, norm } = this.trainers.optimizer.update(this.batch, ({ count, random }) => {
      const drawn = draw(this.student, count, random);
      const wanted = noGrad(() => generate(this.model, drawn)); // D(sigmaInit z; sigmaInit)
      const loss = generate(this.student, drawn).sub(wanted).square().mean();
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm };
  }

  protected override values(): State["values"] {
    return { difference: this.difference };
  }

  protected override loadValues(state: State): void {
    this.difference = stateNumber(state, "difference");
  }

  /** How much the teacher's answers differ from each other: their variance, a mean over the elements. */
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

/** Imitates to the end. @see Imitation */
export function imitate(options: ImitationOptions): void {
  const imitation = new Imitation(options);
  while (!imitation.finished) imitation.step();
  imitation.dispose();
}
