import type { Device, Generator, Module, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { ModelFacts } from "../models/facts.js";
import type { BatchPart } from "../training/micro-batches.js";
import type { ConditionSource } from "./condition-source.js";

/**
 * A student: a module that makes samples from latents. `DenoiserStudent`, a denoiser that is run once or a few times,
 * is one kind. Generators from a small latent, language models and decoders are others. Code that only needs a student
 * must not require a denoiser.
 *
 * @typeParam M the kind of its module
 */
export interface Student<M extends Module = Module> {
  /** the trained module; samples are made on its device */
  readonly module: M;
  /** shape of its samples, standard deviation of the data, condition */
  readonly facts: ModelFacts;
  /** where training draws conditions from */
  readonly conditions: ConditionSource;
  /** evaluations of the module per sample (NFE) */
  readonly evaluations: number;

  /** Draws latents: any tensor with the batch first. */
  latents(count: number, random: Generator): Tensor;

  /**
   * Draws the number of steps of a training batch, for `generate`. Students of one step return 1 and draw nothing.
   */
  drawSteps(random: Generator): number;

  /**
   * Maps latents to samples `[N, ...sampleShape]`, with a graph to the weights if gradients are on.
   * @param steps number of steps, from `drawSteps`; default all
   */
  generate(latents: Tensor, condition?: Condition, steps?: number): Tensor;

  /** The same student with other weights, such as their average. */
  withModule(module: M): Student<M>;
}

/** The device of a student's weights. */
export function deviceOf({ module }: Student): Device {
  return module.parameters()[0]!.device;
}

/** The inputs of a batch of samples: latents `z`, conditions `c` and the number of steps. */
export interface Drawn {
  latents: Tensor;
  condition: Condition | undefined;
  steps: number;
}

/** Draws the inputs of a batch, in this order: conditions, latents, steps. */
export function draw(student: Student, count: number, random: Generator): Drawn {
  const condition = student.conditions.draw(count, random);
  const latents = student.latents(count, random);
  return { condition, latents, steps: student.drawSteps(random) };
}

/** A part of the inputs of a whole batch. */
export function partOf({ latents, condition, steps }: Drawn, part: BatchPart): Drawn {
  return { latents: part.rows(latents), condition: part.rows(condition), steps };
}

/** The samples `x0 = G(z; c)`. */
export function generate(student: Student, { latents, condition, steps }: Drawn): Tensor {
  return student.generate(latents, condition, steps);
}
