import {
  Adam,
  clipGradNorm,
  gradNorm,
  replaceNonFiniteGradients,
  type State,
  type Tensor,
} from "@disback/torch";

export interface NetworkTrainerOptions {
  /** Adam's learning rate */
  learningRate: number;
  /** Adam's betas, default [0.9, 0.999] */
  betas?: [number, number];
  /** largest joint norm of the gradients, longer ones are shortened; 0, the default: any norm */
  gradientClip?: number;
}

/**
 * How every network here is updated: forget the old gradients, add the new ones, replace those that are not finite as
 * EDM's and Diff-Instruct's loops do, limit their norm if asked to, and let Adam make its step.
 */
export class NetworkTrainer {
  /** learning rate of the next step */
  learningRate: number;
  private readonly optimizer: Adam;
  private readonly gradientClip: number;

  constructor(
    private readonly parameters: Tensor[],
    { learningRate, betas, gradientClip = 0 }: NetworkTrainerOptions,
  ) {
    this.learningRate = learningRate;
    this.gradientClip = gradientClip;
    this.optimizer = new Adam(parameters, { lr: learningRate, ...(betas ? { betas } : {}) });
  }

  /** One update that lowers a loss `[]`. @returns the norm of its gradient, see `finish` */
  minimise(loss: Tensor): Tensor | number {
    this.begin();
    loss.backward();
    return this.finish();
  }

  /** Forgets the gradients: whatever is added from here on makes the next update. */
  begin(): void {
    this.optimizer.zeroGrad();
  }

  /**
   * The update by the gradients added since `begin`.
   * @returns the gradients' joint norm before it was limited, a tensor [] or 0: infinite gradients count as 1e5 each
   */
  finish(): Tensor | number {
    replaceNonFiniteGradients(this.parameters);
    const norm =
      this.gradientClip > 0 ? clipGradNorm(this.parameters, this.gradientClip) : gradNorm(this.parameters);
    this.optimizer.lr = this.learningRate;
    this.optimizer.step();
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

/** A norm as a number; waits for its device. */
export function numberOf(norm: Tensor | number): number {
  return typeof norm === "number" ? norm : norm.item();
}
