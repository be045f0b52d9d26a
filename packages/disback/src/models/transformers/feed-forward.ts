import { Module, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";

/** Two layers with four times the channels between them, and tanh's approximation of GELU: `FeedForward` of diffusers. */
export class WideFeedForward extends Module {
  readonly net: { 0: { proj: Dense }; 2: Dense };

  constructor(source: WeightSource, channels: number) {
    super();
    this.net = {
      0: { proj: new Dense(source, channels, 4 * channels, torchStart) },
      2: new Dense(source, 4 * channels, channels, torchStart),
    };
  }

  /** @param tokens `[N, T, C]` @returns the same shape */
  forward(tokens: Tensor): Tensor {
    return scope(() => this.net[2].forward(ops.gelu(this.net[0].proj.forward(tokens), "tanh")));
  }
}
