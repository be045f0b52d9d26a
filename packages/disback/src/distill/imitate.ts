import {
  extractState,
  Generator,
  generatorState,
  inferenceMode,
  loadGeneratorState,
  mergeStates,
  noGrad,
  ops,
  prefixState,
  type State,
  scope,
  stateNumber,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { seedDropout } from "./dropout.js";
import { MicroBatches } from "./micro-batches.js";
import { NetworkTrainer } from "./network-trainer.js";
import { Processes } from "./processes.js";
import { selectWeights } from "./select-weights.js";
import type { StudentGenerator } from "./student-generator.js";
import { TrainingStep } from "./training-step.js";

export interface ImitationOptions {
  /** the teacher; not changed */
  teacher: DenoiserModule;
  /** the student, trained in place */
  generator: StudentGenerator;
  /** student steps at most, default 300 */
  steps?: number;
  /**
   * it ends, after ten steps at the soonest, when the mean squared difference is below this part of the variance of the
   * teacher's answers; default 0: after all steps
   */
  tolerance?: number;
  /** whether a smaller student of the teacher's kind starts with the first channels of its weights; default false */
  inherit?: boolean;
  /** samples per step, of all processes together, default 32 */
  batchSize?: number;
  /** samples that go through the networks at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /** Adam's learning rate, default 2e-3 */
  learningRate?: number;
  /** whether steps are recorded and replayed, as of `Backtracking`; default false */
  graphs?: boolean | undefined;
  /** decides every random number, default 0 */
  seed?: number;
  /** those that train together, default this one alone */
  processes?: Processes;
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
export class Imitation {
  readonly steps: number;
  private done = 0;
  /** moving average of the mean squared difference that starts at 0 */
  private difference = 0;
  private readonly enough: number;
  private readonly student: StudentGenerator;
  private readonly model: StudentGenerator;
  private readonly processes: Processes;
  private readonly batch: MicroBatches;
  private readonly trainer: NetworkTrainer;
  private readonly random: Generator;
  private readonly training: TrainingStep<"loss" | "norm">;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: ImitationOptions) {
    const { teacher, generator, steps = 300, batchSize = 32, learningRate = 2e-3, seed = 0 } = options;
    const { tolerance = 0, inherit = false } = options;
    for (const [name, value] of Object.entries({ steps, batchSize })) {
      if (!Number.isInteger(value) || value < 1)
        throw new DisbackError(`imitation: "${name}" must be a whole number from 1, not ${value}`);
    }
    this.steps = steps;
    const { processes = new Processes() } = options;
    this.processes = processes;
    const share = processes.share(batchSize, "imitation.batchSize");
    this.student = generator;
    teacher.eval();
    if (inherit) selectWeights(teacher, generator.denoiser);
    this.model = generator.withDenoiser(teacher);
    this.random = processes.random(seed, generator.device);
    this.batch = new MicroBatches({ batchSize: share, microBatch: options.microBatch, random: this.random });
    processes.requireSameWeights("teacher", teacher.parameters());
    this.enough = tolerance > 0 ? tolerance * this.answersVariance(seed) : 0;
    this.trainer = new NetworkTrainer(generator.denoiser.requiresGrad_(true).parameters(), {
      ...{ learningRate, processes, name: "student" },
    });
    this.training = new TrainingStep({
      graphs: options.graphs,
      device: generator.device,
      batch: this.batch,
      processes,
    });
  }

  get iteration(): number {
    return this.done;
  }

  get finished(): boolean {
    if (this.done >= this.steps) return true;
    const unbiased = this.difference / (1 - MEMORY ** this.done);
    return this.done >= FEWEST_STEPS && unbiased < this.enough;
  }

  /** One update of the student. @returns the mean squared difference before it, and the norm of its gradient */
  step(): { loss: number; gradientNorm: number } {
    const { student } = this;
    const figures = scope(() => {
      seedDropout(this.random, student.device);
      const { loss, norm } = this.training.run([this.trainer.learningRate], () => {
        student.denoiser.train();
        return this.trainer.update(this.batch, ({ count, random }) => {
          const condition = student.conditions(count, random);
          const latents = student.latents(count, random);
          const steps = student.drawSteps(random);
          const wanted = noGrad(() => this.model.generate(latents, condition, steps));
          const loss = student.generate(latents, condition, steps).sub(wanted).square().mean();
          return { loss, figures: { loss } };
        });
      });
      return this.processes.average({ loss, gradientNorm: norm });
    });
    this.done++;
    this.difference = MEMORY * this.difference + (1 - MEMORY) * figures.loss;
    return figures;
  }

  /** How much the teacher's answers differ from each other: their variance, a mean over the elements. */
  private answersVariance(seed: number): number {
    const { model } = this;
    const random = new Generator(seed, model.device);
    return inferenceMode(() =>
      scope(() => {
        const condition = model.conditions(ANSWERS, random);
        const answers = model.generate(model.latents(ANSWERS, random), condition);
        return ops.var_dim(answers, 0).mean().item();
      }),
    );
  }

  /** The networks of the next step by name, to look at. */
  get networks(): Record<string, DenoiserModule> {
    return { student: this.student.denoiser, teacher: this.model.denoiser };
  }

  /** Multiplies the learning rate. */
  scaleLearningRate(factor: number): void {
    this.trainer.learningRate *= factor;
  }

  /** All that the next steps depend on. */
  state(): State {
    return mergeStates(
      prefixState("student", { tensors: this.student.denoiser.stateDict(), values: {} }),
      prefixState("optimizer", this.trainer.state()),
      prefixState("random", generatorState(this.random)),
      { tensors: new Map(), values: { iteration: this.done, difference: this.difference } },
    );
  }

  /** Goes on from a saved state. @throws CheckpointError if it is of another network */
  loadState(state: State): void {
    this.student.denoiser.loadStateDict(extractState("student", state).tensors);
    this.trainer.loadState(extractState("optimizer", state));
    loadGeneratorState(this.random, extractState("random", state));
    this.done = stateNumber(state, "iteration");
    this.difference = stateNumber(state, "difference");
  }

  /** Releases everything but the student. */
  dispose(): void {
    this.training.dispose();
    this.trainer.dispose();
  }
}

/** Imitates to the end. @see Imitation */
export function imitate(options: ImitationOptions): void {
  const imitation = new Imitation(options);
  while (!imitation.finished) imitation.step();
  imitation.dispose();
}
