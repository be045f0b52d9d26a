import { zerosLike } from "../creation.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type Active, PlainOptimizer } from "./optimizer.js";

export interface RMSpropOptions {
  /** learning rate, default 1e-2 */
  lr?: number;
  /** decay of the average of squares, default 0.99 */
  alpha?: number;
  /** added to the root, default 1e-8 */
  eps?: number;
  /** added to the gradient times the weight, default 0 */
  weightDecay?: number;
  /** default 0 */
  momentum?: number;
  /** divide by the estimated standard deviation instead of the root mean square, default false */
  centered?: boolean;
}

/** RMSprop (Hinton, Neural Networks for Machine Learning, lecture 6), centered as in Graves 2013. */
export class RMSprop extends PlainOptimizer {
  protected readonly names = ["square_avg", "grad_avg", "momentum_buffer"];
  private readonly alpha: number;
  private readonly eps: number;
  private readonly weightDecay: number;
  private readonly momentum: number;
  private readonly centered: boolean;

  /** @throws TorchError if there are no parameters or an option is out of range */
  constructor(parameters: Tensor[], options: RMSpropOptions = {}) {
    super(parameters, options.lr ?? 1e-2);
    this.alpha = options.alpha ?? 0.99;
    this.eps = options.eps ?? 1e-8;
    this.weightDecay = options.weightDecay ?? 0;
    this.momentum = options.momentum ?? 0;
    this.centered = options.centered ?? false;
    this.require("alpha", this.alpha, this.alpha >= 0 && this.alpha < 1);
    this.require("eps", this.eps, this.eps >= 0);
    this.require("weightDecay", this.weightDecay, this.weightDecay >= 0);
    this.require("momentum", this.momentum, this.momentum >= 0);
  }

  protected update(active: Active): void {
    const { parameter } = active;
    const zeros = () => zerosLike(parameter);
    const gradient =
      this.weightDecay === 0 ? active.gradient : active.gradient.add(parameter, this.weightDecay);
    const squares = this.remembered(active, "square_avg", zeros);
    squares.mul_(this.alpha).addcmul_(gradient, gradient, 1 - this.alpha);
    let variance = squares;
    if (this.centered) {
      const mean = this.remembered(active, "grad_avg", zeros).lerp_(gradient, 1 - this.alpha);
      variance = ops.addcmul(squares, mean, mean, -1);
    }
    const root = variance.sqrt().add_(this.eps);
    if (this.momentum === 0) {
      ops.addcdiv_(parameter, gradient, root, -this.lr);
      return;
    }
    const velocity = this.remembered(active, "momentum_buffer", zeros).mul_(this.momentum);
    ops.addcdiv_(velocity, gradient, root);
    parameter.sub_(velocity, this.lr);
  }
}
