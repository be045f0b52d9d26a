import { GroupNorm, scope, type Tensor } from "@disback/torch";
import { attention } from "../attention.js";
import { Block } from "../block.js";
import { Dense } from "../dense.js";
import type { WeightSource } from "../weights.js";
import { torchStart } from "./start.js";

export interface AttentionBlockOptions {
  channels: number;
  /** channels of one head, at most all of them */
  headChannels: number;
  /** groups of the normalization before it; null for none */
  groups: number | null;
  eps: number;
  /** divisor of the sum, default 1 */
  outputScale?: number;
}

/** Self-attention over pixels, added to its input: `Attention` of diffusers as in its U-Nets for images. */
export class AttentionBlock extends Block {
  readonly group_norm: GroupNorm | null;
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly to_out: [Dense];
  private readonly headChannels: number;
  private readonly outputScale: number;

  constructor(source: WeightSource, options: AttentionBlockOptions) {
    super();
    const { channels, headChannels, groups, eps } = options;
    const inner = headChannels * Math.floor(channels / headChannels);
    const projection = () => new Dense(source, channels, inner, torchStart);
    this.headChannels = headChannels;
    this.outputScale = options.outputScale ?? 1;
    this.group_norm = groups === null ? null : new GroupNorm(groups, channels, { eps });
    this.to_q = projection();
    this.to_k = projection();
    this.to_v = projection();
    this.to_out = [new Dense(source, inner, channels, torchStart)];
  }

  /** @param x `[N, C, H, W]` @returns the same shape */
  forward(x: Tensor): Tensor {
    return this.perform((input) => this.pass(input!), x);
  }

  private pass(x: Tensor): Tensor {
    return scope(() => {
      const [batch, channels, height, width] = x.shape as [number, number, number, number];
      const pixels = this.attend(this.group_norm ? this.group_norm.forward(x) : x);
      const image = pixels.transpose(1, 2).reshape([batch, channels, height, width]);
      const sum = image.add(x);
      return this.outputScale === 1 ? sum : sum.div_(this.outputScale);
    });
  }

  /** @param x `[N, C, H, W]` @returns `[N, H W, C]` */
  private attend(x: Tensor): Tensor {
    return scope(() => {
      const pixels = x.flatten(2).transpose(1, 2).contiguous();
      const [query, key, value] = [this.to_q, this.to_k, this.to_v].map((projection) =>
        this.split(projection.forward(pixels)),
      ) as [Tensor, Tensor, Tensor];
      const attended = attention(query, key, value);
      return this.to_out[0].forward(attended.transpose(1, 2).flatten(2));
    });
  }

  /** `[N, L, heads d]` to `[N, heads, L, d]` */
  private split(projected: Tensor): Tensor {
    const [batch, length] = projected.shape as [number, number];
    return projected.view([batch, length, -1, this.headChannels]).transpose(1, 2);
  }
}
