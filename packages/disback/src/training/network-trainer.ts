import {
  type Adam,
  backward,
  clipGradNorm,
  type GradientReducer,
  gradNorm,
  replaceNonFiniteGradients,
  type ShardedAdam,
  type State,
  type Tensor,
} from "@disback/torch";
import type { BatchPart, MicroBatches } from "./micro-batches.js";
import { Processes } from "./processes.js";

/** What a part of a batch adds to an update: a loss, a gradient given at a tensor, or both. */
export interface Contribution<Names extends string> {
  /** mean over the part's samples, a tensor `[]` with a graph to the weights */
  loss?: Tensor | undefined;
  /** a tensor with a graph to the weights, and the gradient of such a mean there */
  injected?: readonly [at: Tensor, gradient: Tensor] | undefined;
  /** what is to be known of it: means over the part's samples, tensors `[]` */
  figures: Record<Names, Tensor>;
}

export interface NetworkTrainerOptions {
  /** Adam's learning rate */
  learningRate: number;
  /** Adam's betas, default [0.9, 0.999] */
  betas?: [number, number];
  /** largest joint norm of the gradients, longer ones are shortened; 0, the default: any norm */
  gradientClip?: number;
  /** those that train together, default this one alone */
  processes?: Processes;
  /** what the network is called in messages, default "network" */
  name?: string;
}

/**
 * How every network here is updated: forget the old gradients, add the new ones, average them over the processes,
 * replace those that are not finite as EDM's and Diff-Instruct's loops do, limit their norm if asked to, and let Adam
 * make its step.
 */
export class NetworkTrainer {
  /** learning rate of the next step */
  learningRate: number;
  private readonly optimizer: Adam | ShardedAdam;
  private readonly reducer: GradientReducer | undefined;
  private readonly gradientClip: number;

  /** @throws DisbackError naming the network if it does not start alike in all processes */
  constructor(
    private readonly parameters: Tensor[],
    options: NetworkTrainerOptions,
  ) {
    const { learningRate, betas, gradientClip = 0, processes = new Processes(), name = "network" } = options;
    this.learningRate = learningRate;
    this.gradientClip = gradientClip;
    processes.requireSameWeights(name, parameters);
    this.optimizer = processes.optimizer(parameters, { lr: learningRate, ...(betas ? { betas } : {}) });
    this.reducer = processes.reducer(parameters);
  }

  /**
   * One update by the mean gradient over a batch, which goes through the network in its parts.
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
      // Gradients are averaged over the processes once, with the last part's.
      if (this.reducer && part === last) this.reducer.backward(tensors, gradients);
      else backward(tensors, gradients);
      return figures;
    });
    return { ...figures, norm: this.finish() };
  }

  /**
   * Makes the step from the gradients that are there, and releases them: only one network's exist at a time.
   * @returns the gradients' joint norm before it was limited, a tensor [] or 0: infinite gradients count as 1e5 each
   */
  private finish(): Tensor | number {
    replaceNonFiniteGradients(this.parameters);
    const norm =
      this.gradientClip > 0 ? clipGradNorm(this.parameters, this.gradientClip) : gradNorm(this.parameters);
    this.optimizer.lr = this.learningRate;
    this.optimizer.step();
    this.optimizer.zeroGrad();
    return norm;
  }

  /** Adam's: moments, counts and learning rate. */
  state(): State {
    this.optimizer.lr = this.learningRate;
    return this.optimizer.state();
  }

  /** @throws CheckpointError if it is of another network */
  loadState(state: State): void {
    this.optimizer.loadState(state);
    this.learningRate = this.optimizer.lr;
  }

  /** Releases Adam's moments; the network stays. */
  dispose(): void {
    this.optimizer.dispose();
  }
}
