import { Module, ops, recomputed, scope, type Tensor } from "@disback/torch";
import { Dense } from "./dense.js";
import { torchStart } from "./unet-2d/start.js";
import type { WeightSource } from "./weights.js";

/**
 * Two layers with more channels between them: `FeedForward` of diffusers.
 *
 * - `gelu-tanh`: tanh's approximation of GELU
 * - `geglu`: a linear layer gated by the GELU of another (Shazeer 2020)
 */
export class FeedForward extends Module {
  readonly net: { 0: { proj: Dense }; 2: Dense };

  /** @param hidden channels between the layers */
  constructor(
    source: WeightSource,
    channels: number,
    private readonly activation: "gelu-tanh" | "geglu",
    hidden = 4 * channels,
  ) {
    super();
    this.net = {
      0: { proj: new Dense(source, channels, activation === "geglu" ? 2 * hidden : hidden, torchStart) },
      2: new Dense(source, hidden, channels, torchStart),
    };
  }

  /** @param tokens `[N, T, C]` @returns the same shape */
  forward(tokens: Tensor): Tensor {
    return scope(() => this.net[2].forward(this.hidden(tokens)));
  }

  private hidden(tokens: Tensor): Tensor {
    return scope(() => recomputed((projected) => this.activate(projected), this.net[0].proj.forward(tokens)));
  }

  private activate(projected: Tensor): Tensor {
    if (this.activation === "gelu-tanh") return ops.gelu(projected, "tanh");
    return scope(() => {
      const [hidden, gate] = projected.chunk(2, -1) as [Tensor, Tensor];
      return hidden.mul(ops.gelu(gate));
    });
  }
}
