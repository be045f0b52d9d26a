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
import { Processes } from "./processes.js";

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

  /** One update that lowers a loss `[]`. @returns the norm of its gradient, see `finish` */
  minimise(loss: Tensor): Tensor | number {
    this.begin();
    this.backward([loss]);
    return this.finish();
  }

  /** Forgets the gradients: whatever is added from here on makes the next update. */
  begin(): void {
    this.optimizer.zeroGrad();
  }

  /**
   * Adds the gradients of the last, or only, part of an update; those of parts before it were added by `backward()` of
   * their own. When it returns they are averaged over the processes.
   *
   * @param tensors losses, and tensors at which a gradient is injected
   * @param gradients one for each, null for losses; omitted if all are losses
   * @throws LostProcesses
   */
  backward(tensors: readonly Tensor[], gradients?: readonly (Tensor | null)[]): void {
    if (this.reducer) this.reducer.backward(tensors, gradients);
    else backward(tensors, gradients);
  }

  /**
   * The update by the gradients added since `begin`. They are released: only one network's exist at a time.
   * @returns the gradients' joint norm before it was limited, a tensor [] or 0: infinite gradients count as 1e5 each
   */
  finish(): Tensor | number {
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
