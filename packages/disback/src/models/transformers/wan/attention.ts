import { Module, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../dense.js";
import { torchStart } from "../../unet-2d/start.js";
import type { WeightSource } from "../../weights.js";
import { RootMeanSquareNorm } from "../root-mean-square.js";
import { type Rotation, rotate } from "../rotary.js";

/**
 * Attention whose queries and keys are normalized over all heads together: `WanAttention` of diffusers, with its keys.
 */
export class WanAttention extends Module {
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly to_out: [Dense];
  readonly norm_q: RootMeanSquareNorm;
  readonly norm_k: RootMeanSquareNorm;

  constructor(
    source: WeightSource,
    channels: number,
    private readonly heads: number,
    eps: number,
  ) {
    super();
    const dense = () => new Dense(source, channels, channels, torchStart);
    this.to_q = dense();
    this.to_k = dense();
    this.to_v = dense();
    this.to_out = [dense()];
    this.norm_q = new RootMeanSquareNorm(channels, eps);
    this.norm_k = new RootMeanSquareNorm(channels, eps);
  }

  /**
   * @param tokens `[N, T, C]`
   * @param seen what they attend to `[N, L, C]`: a text, or the tokens themselves
   * @param turned angles of the tokens, for attention among themselves
   * @returns `[N, T, C]`
   */
  forward(tokens: Tensor, seen: Tensor, turned?: Rotation): Tensor {
    return scope(() => {
      const query = this.split(this.norm_q.forward(this.to_q.forward(tokens)));
      const key = this.split(this.norm_k.forward(this.to_k.forward(seen)));
      const value = this.split(this.to_v.forward(seen));
      const [placedQuery, placedKey] = turned ? [rotate(query, turned), rotate(key, turned)] : [query, key];
      const attended = ops.scaled_dot_product_attention(placedQuery, placedKey, value);
      return this.to_out[0].forward(attended.transpose(1, 2).flatten(2));
    });
  }

  /** `[N, L, C]` to `[N, heads, L, C / heads]` */
  private split(projected: Tensor): Tensor {
    const [batch, length] = projected.shape as [number, number];
    return projected.view([batch, length, this.heads, -1]).transpose(1, 2);
  }
}
