import {
  Adam,
  clipGradNorm,
  noGrad,
  replaceNonFiniteGradients,
  type State,
  scope,
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

  /** One update that lowers a loss `[]`. */
  minimise(loss: Tensor): void {
    this.begin();
    loss.backward();
    this.finish();
  }

  /** Forgets the gradients: whatever is added from here on makes the next update. */
  begin(): void {
    this.optimizer.zeroGrad();
  }

  /** The update by the gradients added since `begin`. */
  finish(): void {
    replaceNonFiniteGradients(this.parameters);
    if (this.gradientClip > 0)
      noGrad(() => scope(() => void clipGradNorm(this.parameters, this.gradientClip)));
    this.optimizer.lr = this.learningRate;
    this.optimizer.step();
  }

  /** Adam's: moments, counts and learning rate. */
  state(): State {
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
