import type { Generator, Module, Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";

/** Samples and what goes with them. */
export interface FitBatch {
  /** clean samples `[N, ...]`, taken as constants */
  samples: Tensor;
  /** what the student was told about them */
  condition: Condition | undefined;
}

/**
 * What it means that a model is fitted to samples: stage 1 does it to the teacher's copy, and says with it how two nodes
 * of a trajectory are compared. A denoising loss for denoisers, cross-entropy for language models, a reconstruction for
 * autoencoders.
 *
 * @typeParam M the kind of model
 */
export interface Fit<M extends Module = Module> {
  /** How badly the model fits, a tensor `[]` with a graph to its weights. @param random on the samples' device */
  loss(model: M, batch: FitBatch, random: Generator): Tensor;

  /**
   * Compares models on fixed probes.
   * @param probes samples of the initial student; the outline may keep them
   * @param seed of whatever else is drawn
   */
  outline(probes: FitBatch, seed: number): Outline<M>;
}

/** How models along a path are compared: by what they answer on fixed probes. */
export interface Outline<M extends Module = Module> {
  /** A model's answers `[N, ...]`, a tensor of the caller's, who disposes of it. */
  measure(model: M): Tensor;
  /** Distance between two such answers, at least 0. */
  between(a: Tensor, b: Tensor): number;
  /** Releases the probes. */
  dispose(): void;
}
