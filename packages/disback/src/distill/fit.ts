import type { Generator, Module, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";

/** Samples, and what they were made from. */
export interface FitBatch {
  /** clean samples `[N, ...]`, taken as constants */
  samples: Tensor;
  /** the conditions they were made with */
  condition: Condition | undefined;
  /** the latents they were made of, `[N, ...]`: models that map the same latents are fitted to the pairs */
  latents: Tensor;
}

/**
 * How a model is fitted to samples, and how two models are compared. Stage 1 fits the teacher's copy with it and
 * measures distances between the nodes of a trajectory. A denoising loss for denoisers, cross-entropy for language
 * models, the squared difference at equal latents for generators, decoders and encoders (`OutputFit`).
 *
 * @typeParam M the kind of model
 */
export interface Fit<M extends Module = Module> {
  /** The fit's loss, a tensor `[]` with a graph to the weights. @param random on the samples' device */
  loss(model: M, batch: FitBatch, random: Generator): Tensor;

  /**
   * Compares models on fixed probes.
   * @param probes samples of the initial student; the outline may keep a reference
   * @param seed seed of everything else that is drawn
   */
  outline(probes: FitBatch, seed: number): Outline<M>;
}

/** Compares models along a path by their outputs on fixed probes. */
export interface Outline<M extends Module = Module> {
  /** A model's outputs `[N, ...]`. The caller owns the tensor and disposes of it. */
  measure(model: M): Tensor;
  /** Distance between two such outputs, at least 0. */
  between(a: Tensor, b: Tensor): number;
  /** Releases the probes. */
  dispose(): void;
}
