import type { Device, Generator, Module, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { ModelFacts } from "../models/facts.js";
import type { BatchPart } from "../training/micro-batches.js";
import type { ConditionSource } from "./condition-source.js";

/**
 * A student: a module that makes samples from latents. `DenoiserStudent`, a denoiser that is run once or a few times, is
 * one kind; generators from a small latent, language models and decoders are others. Nothing that only needs a student
 * asks for a denoiser.
 *
 * @typeParam M the kind of its module
 */
export interface Student<M extends Module = Module> {
  /** the weights that are trained; where they live is where samples are made */
  readonly module: M;
  /** shape of its samples, standard deviation of the data, what it is told */
  readonly facts: ModelFacts;
  /** where training draws conditions from */
  readonly conditions: ConditionSource;
  /** evaluations of the module for a sample (NFE) */
  readonly evaluations: number;

  /** Draws latents: anything with the batch first. */
  latents(count: number, random: Generator): Tensor;

  /**
   * Draws how far a training batch goes, for students of several steps; 1 without drawing for all others. What it means
   * is the student's: `generate` is given it back.
   */
  drawSteps(random: Generator): number;

  /**
   * Maps latents to samples `[N, ...sampleShape]`, with a graph to the weights if gradients are on.
   * @param steps how far to go, as drawn by `drawSteps`; default to the end
   */
  generate(latents: Tensor, condition?: Condition, steps?: number): Tensor;

  /** The same student with other weights, such as their average. */
  withModule(module: M): Student<M>;
}

/** Where a student's weights live. */
export function deviceOf({ module }: Student): Device {
  return module.parameters()[0]!.device;
}

/** What samples are made of: latents `z`, conditions `c`, and how far the student goes. */
export interface Drawn {
  latents: Tensor;
  condition: Condition | undefined;
  steps: number;
}

/** Draws what a batch of samples is made of, in this order: conditions, latents, steps. */
export function draw(student: Student, count: number, random: Generator): Drawn {
  const condition = student.conditions.draw(count, random);
  const latents = student.latents(count, random);
  return { condition, latents, steps: student.drawSteps(random) };
}

/** A part of what was drawn for a whole batch. */
export function partOf({ latents, condition, steps }: Drawn, part: BatchPart): Drawn {
  return { latents: part.rows(latents), condition: part.rows(condition), steps };
}

/** The samples `x0 = G(z; c)`. */
export function generate(student: Student, { latents, condition, steps }: Drawn): Tensor {
  return student.generate(latents, condition, steps);
}
