import { GroupNorm, Module, ops, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { Dense } from "../dense.js";
import { activated } from "../group-normalization.js";
import type { WeightSource } from "../weights.js";

/** As PyTorch starts its layers, up to the distribution of biases. */
export const START = {
  distribution: "kaiming-uniform",
  weightScale: Math.sqrt(1 / 3),
  biasScale: Math.sqrt(1 / 3),
} as const;

/** Every normalization of the autoencoder. */
export function normalization(channels: number, groups: number): GroupNorm {
  return new GroupNorm(groups, channels, { eps: 1e-6 });
}

/** Two convolutions around a skip path. Keys as of ResnetBlock2D in diffusers. */
export class ResidualBlock extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Convolution;
  readonly norm2: GroupNorm;
  readonly conv2: Convolution;
  readonly conv_shortcut: Convolution | null;

  constructor(source: WeightSource, inChannels: number, outChannels: number, groups: number) {
    super();
    this.norm1 = normalization(inChannels, groups);
    this.conv1 = new Convolution(source, inChannels, outChannels, 3, START);
    this.norm2 = normalization(outChannels, groups);
    this.conv2 = new Convolution(source, outChannels, outChannels, 3, START);
    this.conv_shortcut =
      inChannels === outChannels ? null : new Convolution(source, inChannels, outChannels, 1, START);
  }

  /** @param x `[N, in, H, W]` @returns `[N, out, H, W]` */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const hidden = this.conv1.forward(activated(this.norm1, x));
      const branch = this.conv2.forward(activated(this.norm2, hidden));
      return branch.add_(this.conv_shortcut ? this.conv_shortcut.forward(x) : x);
    });
  }
}

/** Self-attention over pixels with one head, around a skip path. Keys as of Attention in diffusers. */
export class PixelAttention extends Module {
  readonly group_norm: GroupNorm;
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly to_out: [Dense];

  constructor(source: WeightSource, channels: number, groups: number) {
    super();
    this.group_norm = normalization(channels, groups);
    this.to_q = new Dense(source, channels, channels, START);
    this.to_k = new Dense(source, channels, channels, START);
    this.to_v = new Dense(source, channels, channels, START);
    this.to_out = [new Dense(source, channels, channels, START)];
  }

  /** @param x `[N, C, H, W]` @returns `[N, C, H, W]` */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const pixels = this.group_norm.forward(x).flatten(2).transpose(1, 2).unsqueeze(1);
      const [query, key, value] = [this.to_q, this.to_k, this.to_v].map((layer) => layer.forward(pixels));
      const attended = ops.scaled_dot_product_attention(query!, key!, value!).squeeze(1);
      return this.to_out[0].forward(attended).transpose(1, 2).reshape(x.shape).add(x);
    });
  }
}

/** The lowest resolution: a block, attention unless left out, a block. Keys as of UNetMidBlock2D in diffusers. */
export class MiddleBlock extends Module {
  readonly resnets: [ResidualBlock, ResidualBlock];
  readonly attentions: PixelAttention[];

  constructor(source: WeightSource, channels: number, groups: number, attention: boolean) {
    super();
    this.resnets = [
      new ResidualBlock(source, channels, channels, groups),
      new ResidualBlock(source, channels, channels, groups),
    ];
    this.attentions = attention ? [new PixelAttention(source, channels, groups)] : [];
  }

  forward(x: Tensor): Tensor {
    let hidden = this.resnets[0].forward(x);
    for (const attention of this.attentions) hidden = attention.forward(hidden);
    return this.resnets[1].forward(hidden);
  }
}
