import { zerosLike } from "../creation.js";
import type { Tensor } from "../tensor.js";
import { type Active, PlainOptimizer } from "./optimizer.js";

export interface LionOptions {
  /** learning rate, default 1e-4: a third to a tenth of Adam's */
  lr?: number;
  /** decay for the update and for the momentum, each in [0, 1); default [0.9, 0.99] */
  betas?: [number, number];
  /** decoupled weight decay, default 0 */
  weightDecay?: number;
}

/** Lion (Chen et al. 2023, program 1): the sign of the interpolated momentum. */
export class Lion extends PlainOptimizer {
  protected readonly names = ["exp_avg"];
  private readonly betas: [number, number];
  private readonly weightDecay: number;

  /** @throws TorchError if there are no parameters or an option is out of range */
  constructor(parameters: Tensor[], options: LionOptions = {}) {
    super(parameters, options.lr ?? 1e-4);
    this.betas = options.betas ?? [0.9, 0.99];
    this.weightDecay = options.weightDecay ?? 0;
    this.require(
      "betas",
      this.betas,
      this.betas.every((beta) => beta >= 0 && beta < 1),
    );
    this.require("weightDecay", this.weightDecay, this.weightDecay >= 0);
  }

  protected update(active: Active): void {
    const { parameter, gradient } = active;
    const [ofUpdate, ofMomentum] = this.betas;
    const momentum = this.remembered(active, "exp_avg", () => zerosLike(parameter));
    const direction = momentum.lerp(gradient, 1 - ofUpdate).sign();
    parameter.mul_(1 - this.lr * this.weightDecay).sub_(direction, this.lr);
    momentum.lerp_(gradient, 1 - ofMomentum);
  }
}
