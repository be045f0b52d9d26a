import { TorchError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { type Active, PlainOptimizer } from "./optimizer.js";

export interface SGDOptions {
  /** learning rate, default 1e-3 */
  lr?: number;
  /** default 0 */
  momentum?: number;
  /** dampening: fraction of the gradient not added to the momentum, default 0 */
  dampening?: number;
  /** added to the gradient times the weight, default 0 */
  weightDecay?: number;
  /** Nesterov's momentum, default false */
  nesterov?: boolean;
}

/** Stochastic gradient descent, with momentum as in PyTorch: v <- mu v + g, w <- w - lr v (Sutskever et al. 2013). */
export class SGD extends PlainOptimizer {
  protected readonly names = ["momentum_buffer"];
  private readonly momentum: number;
  private readonly dampening: number;
  private readonly weightDecay: number;
  private readonly nesterov: boolean;

  /** @throws TorchError if there are no parameters or an option is out of range */
  constructor(parameters: Tensor[], options: SGDOptions = {}) {
    super(parameters, options.lr ?? 1e-3);
    this.momentum = options.momentum ?? 0;
    this.dampening = options.dampening ?? 0;
    this.weightDecay = options.weightDecay ?? 0;
    this.nesterov = options.nesterov ?? false;
    this.require("momentum", this.momentum, this.momentum >= 0);
    this.require("weightDecay", this.weightDecay, this.weightDecay >= 0);
    if (this.nesterov && (this.momentum === 0 || this.dampening !== 0))
      throw new TorchError("SGD: Nesterov's momentum needs momentum and no dampening");
  }

  protected update(active: Active): void {
    const { parameter, memory } = active;
    let direction = active.gradient;
    if (this.weightDecay !== 0) direction = direction.add(parameter, this.weightDecay);
    if (this.momentum !== 0) {
      const started = memory.has("momentum_buffer");
      const velocity = this.remembered(active, "momentum_buffer", () => direction.clone());
      if (started) velocity.mul_(this.momentum).add_(direction, 1 - this.dampening);
      direction = this.nesterov ? direction.add(velocity, this.momentum) : velocity;
    }
    parameter.sub_(direction, this.lr);
  }
}
