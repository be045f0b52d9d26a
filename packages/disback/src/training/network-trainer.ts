import {
  type Adam,
  backward,
  clipGradNorm,
  type GradientReducer,
  replaceNonFiniteGradients,
  type ShardedAdam,
  type State,
  type Tensor,
} from "@disback/torch";
import type { BatchPart, MicroBatches } from "./micro-batches.js";
import { Processes } from "./processes.js";

/** What a part of a batch contributes to an update: a loss, a gradient at a tensor, or both. */
export interface Contribution<Names extends string> {
  /** mean over the part's samples, a tensor `[]` with a graph to the weights */
  loss?: Tensor | undefined;
  /** a tensor with a graph to the weights, and the gradient of such a mean at it */
  injected?: readonly [at: Tensor, gradient: Tensor] | undefined;
  /** figures to report: means over the part's samples, tensors `[]` */
  figures: Record<Names, Tensor>;
}

export interface NetworkTrainerOptions {
  /** Adam's learning rate */
  learningRate: number;
  /** Adam's betas, default [0.9, 0.999] */
  betas?: [number, number];
  /** largest joint norm of the gradients; larger ones are scaled down; 0 (default) for no limit */
  gradientClip?: number;
  /** the processes that train together, default this one alone */
  processes?: Processes;
  /** called after each step of the optimizer: for weights that keep their norm */
  afterStep?: () => void;
  /** name of the network in messages, default "network" */
  name?: string;
}

/**
 * Updates a network: clears the gradients, accumulates the new ones, averages them over the processes, replaces values
 * that are not finite (as EDM's and Diff-Instruct's loops do), limits their norm if asked to, and makes Adam's step.
 */
export class NetworkTrainer {
  private readonly optimizer: Adam | ShardedAdam;
  private readonly reducer: GradientReducer | undefined;
  private readonly gradientClip: number;
  private readonly afterStep: (() => void) | undefined;

  /** @throws DisbackError naming the network if its initial weights differ between processes */
  constructor(
    private readonly parameters: Tensor[],
    options: NetworkTrainerOptions,
  ) {
    const { learningRate, betas, gradientClip = 0, processes = new Processes(), name = "network" } = options;
    this.gradientClip = gradientClip;
    this.afterStep = options.afterStep;
    processes.requireSameWeights(name, parameters);
    this.optimizer = processes.optimizer(parameters, { lr: learningRate, ...(betas ? { betas } : {}) });
    this.reducer = processes.reducer(parameters);
  }

  /** Learning rate of the next step. */
  get learningRate(): number {
    return this.optimizer.lr;
  }

  set learningRate(value: number) {
    this.optimizer.lr = value;
  }

  /**
   * One update with the mean gradient over a batch, which is computed in parts.
   *
   * @returns the figures as means over this process's batch, and the norm of the gradient, see `finish`
   * @throws LostProcesses
   */
  update<Names extends string>(
    batch: MicroBatches,
    contribute: (part: BatchPart) => Contribution<Names>,
  ): Record<Names, Tensor> & { norm: Tensor | number } {
    this.optimizer.zeroGrad();
    const { length } = batch.parts;
    const last = batch.parts[length - 1];
    const figures = batch.mean((part) => {
      const { loss, injected, figures } = contribute(part);
      const share = (mean: Tensor) => (length === 1 ? mean : mean.div(length));
      const moves: [Tensor, Tensor | null][] = [];
      if (injected) moves.push([injected[0], share(injected[1])]);
      if (loss) moves.push([share(loss), null]);
      const tensors = moves.map(([tensor]) => tensor);
      const gradients = moves.map(([, gradient]) => gradient);
      // Gradients are averaged over the processes once, during the last part.
      if (this.reducer && part === last) this.reducer.backward(tensors, gradients);
      else backward(tensors, gradients);
      return figures;
    });
    return { ...figures, norm: this.finish() };
  }

  /**
   * Makes the step from the accumulated gradients and releases them, so that only one network's gradients exist at a
   * time.
   * @returns the gradients' joint norm before limiting, a tensor [] or 0; infinite gradients count as 1e5 each
   */
  private finish(): Tensor | number {
    const norm = replaceNonFiniteGradients(this.parameters);
    if (this.gradientClip > 0) clipGradNorm(this.parameters, this.gradientClip, norm);
    this.optimizer.step();
    this.afterStep?.();
    this.optimizer.zeroGrad();
    return norm;
  }

  /** Adam's state: moments, counts and learning rate. */
  state(): State {
    return this.optimizer.state();
  }

  /** @throws CheckpointError if the state belongs to another network */
  loadState(state: State): void {
    this.optimizer.loadState(state);
  }

  /** Releases Adam's moments, not the network. */
  dispose(): void {
    this.optimizer.dispose();
  }
}
