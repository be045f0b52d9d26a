import { type Device, Linear, Module, type State, type Tensor, zeros } from "@disback/torch";
import { PositionalEmbedding } from "../models/embeddings.js";

const CHANNELS = 32;

/**
 * A learned weight of noise levels, `e^w(sigma)` (Karras et al. 2024, EDM2; Lu and Song 2024): in `e^w l - w` it settles at
 * the inverse of the loss `l` there, so that every level counts alike. `w` is linear in a positional embedding, and 0
 * before the first step.
 */
export class LearnedWeight extends Module {
  readonly embedding = new PositionalEmbedding(CHANNELS, { order: "cosine-first" });
  readonly out: Linear;

  constructor(device: Device) {
    super();
    this.out = new Linear(CHANNELS, 1);
    this.out.loadStateDict(
      new Map([
        ["weight", zeros([1, CHANNELS])],
        ["bias", zeros([1])],
      ]),
    );
    this.to({ device });
  }

  /** @param losses per sample `[N]` @param sigma `[N]` @returns the mean of `e^w l - w`, `[]` */
  forward(losses: Tensor, sigma: Tensor): Tensor {
    const w = this.out.forward(this.embedding.forward(sigma.log().div(4))).squeeze(1);
    return w.exp().mul(losses).sub(w).mean();
  }

  state(): State {
    return { tensors: this.stateDict(), values: {} };
  }
}
