import { Module, scope, type Tensor } from "@disback/torch";
import { attention } from "../attention.js";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";

/** Attention of tokens to others, or among themselves (Vaswani et al. 2017, eq. 1): `Attention` of diffusers. */
export class CrossAttention extends Module {
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly to_out: [Dense];

  constructor(
    source: WeightSource,
    channels: number,
    private readonly heads: number,
    contextChannels = channels,
  ) {
    super();
    const bias = { bias: false };
    this.to_q = new Dense(source, channels, channels, torchStart, bias);
    this.to_k = new Dense(source, contextChannels, channels, torchStart, bias);
    this.to_v = new Dense(source, contextChannels, channels, torchStart, bias);
    this.to_out = [new Dense(source, channels, channels, torchStart)];
  }

  /**
   * @param tokens `[N, T, C]`
   * @param context what they look at, `[N, L, D]`; default: the tokens
   * @param bias added to the scores, `[N, 1, 1, L]`
   * @returns `[N, T, C]`
   */
  forward(tokens: Tensor, context = tokens, bias?: Tensor): Tensor {
    return scope(() => {
      const query = this.split(this.to_q.forward(tokens));
      const key = this.split(this.to_k.forward(context));
      const value = this.split(this.to_v.forward(context));
      const attended = attention(query, key, value, bias);
      return this.to_out[0].forward(attended.transpose(1, 2).flatten(2));
    });
  }

  /** `[N, L, C]` to `[N, heads, L, C / heads]` */
  private split(projected: Tensor): Tensor {
    const [batch, length] = projected.shape as [number, number];
    return projected.view([batch, length, this.heads, -1]).transpose(1, 2);
  }
}

/** Scores of tokens that are masked out, as diffusers has them. */
const hidden = -10000;

/** The mask as a term of attention's scores. @param mask `[N, L]`, 1 for tokens to attend to @returns `[N, 1, 1, L]` */
export function attentionBias(mask: Tensor, like: Tensor): Tensor {
  return mask.to(like.dtype).sub(1).mul(-hidden).unsqueeze(1).unsqueeze(1);
}
