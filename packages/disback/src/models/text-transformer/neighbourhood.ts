import { cat, Module, ops, scope, type Tensor, zeros } from "@disback/torch";
import { Dense } from "../dense.js";
import { normalizationEps } from "../dit/block.js";
import type { WeightSource } from "../weights.js";

/** Letters that one is shown with: itself and as many on either side. */
const SIZE = 5;
/** Its part of the sum at the start. */
const START = { distribution: "xavier-uniform", weightScale: 0.5 } as const;

/**
 * A convolution over letters, added to its input, as before the attention of Conformer (Gulati et al. 2020). Spelling is local,
 * and attention alone does not find the neighbours for thousands of steps.
 */
export class Neighbourhood extends Module {
  readonly mix: Dense;

  constructor(source: WeightSource, channels: number) {
    super();
    this.mix = new Dense(source, SIZE * channels, channels, START);
  }

  /** @param tokens `[N, L, C]` @returns `[N, L, C]` */
  forward(tokens: Tensor): Tensor {
    return scope(() => {
      const [count, length, channels] = tokens.shape as [number, number, number];
      const normalized = ops.layer_norm(tokens, [channels], null, null, normalizationEps);
      const { dtype, device } = tokens;
      const edge = zeros([count, (SIZE - 1) / 2, channels], { dtype, device });
      const padded = cat([edge, normalized, edge], 1);
      const shifted = Array.from({ length: SIZE }, (_, place) => padded.narrow(1, place, length));
      return tokens.add(this.mix.forward(cat(shifted, 2)));
    });
  }
}
