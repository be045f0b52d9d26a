import { Module, ones, ops, parameter, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { CausalConvolution } from "./causal-convolution.js";
import { framewise } from "./framewise.js";
import type { Past } from "./past.js";

/** Normalization by the channels' length at each place: `WanRMS_norm` of diffusers. */
export class ChannelNorm extends Module {
  readonly gamma: Tensor;

  /** @param axes after the channels */
  constructor(
    private readonly channels: number,
    axes: 2 | 3,
  ) {
    super();
    this.gamma = parameter(ones([channels, ...Array<number>(axes).fill(1)]));
  }

  /** @param x `[N, C, ...]` @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const length = ops.linalg_vector_norm(x, 2, [1], true).clamp(1e-12);
      return x.div(length).mul(Math.sqrt(this.channels)).mul(this.gamma);
    });
  }
}

/** Two convolutions and a way around them: `WanResidualBlock` of diffusers. */
export class ResidualBlock extends Module {
  readonly norm1: ChannelNorm;
  readonly conv1: CausalConvolution;
  readonly norm2: ChannelNorm;
  readonly conv2: CausalConvolution;
  readonly conv_shortcut: CausalConvolution | null;

  constructor(source: WeightSource, inChannels: number, outChannels: number) {
    super();
    this.norm1 = new ChannelNorm(inChannels, 3);
    this.conv1 = new CausalConvolution(source, inChannels, outChannels, [3, 3, 3]);
    this.norm2 = new ChannelNorm(outChannels, 3);
    this.conv2 = new CausalConvolution(source, outChannels, outChannels, [3, 3, 3]);
    this.conv_shortcut =
      inChannels === outChannels ? null : new CausalConvolution(source, inChannels, outChannels, [1, 1, 1]);
  }

  /** @param x `[N, in, T, H, W]` @returns `[N, out, T, H, W]` */
  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const first = scope(() => this.conv1.forward(ops.silu(this.norm1.forward(x)), past));
      const second = scope(() => this.conv2.forward(ops.silu(this.norm2.forward(first)), past));
      return second.add(this.conv_shortcut?.forward(x, past) ?? x);
    });
  }
}

/** Self-attention among the places of each frame, with one head: `WanAttentionBlock` of diffusers. */
class FrameAttention extends Module {
  readonly norm: ChannelNorm;
  readonly to_qkv: Convolution;
  readonly proj: Convolution;

  constructor(source: WeightSource, channels: number) {
    super();
    this.norm = new ChannelNorm(channels, 2);
    this.to_qkv = new Convolution(source, channels, 3 * channels, 1, torchStart);
    this.proj = new Convolution(source, channels, channels, 1, torchStart);
  }

  forward(x: Tensor): Tensor {
    return scope(() => x.add(framewise(x, (frames) => this.attend(frames))));
  }

  /** @param frames `[N, C, H, W]` */
  private attend(frames: Tensor): Tensor {
    const all = this.to_qkv.forward(this.norm.forward(frames)).flatten(2).transpose(1, 2).unsqueeze(1);
    const [query, key, value] = all.contiguous().chunk(3, -1) as [Tensor, Tensor, Tensor];
    const attended = ops.scaled_dot_product_attention(query, key, value);
    return this.proj.forward(attended.squeeze(1).transpose(1, 2).reshape(frames.shape));
  }
}

/** Two residual blocks with attention between them: `WanMidBlock` of diffusers. */
export class MiddleBlock extends Module {
  readonly attentions: [FrameAttention];
  readonly resnets: [ResidualBlock, ResidualBlock];

  constructor(source: WeightSource, channels: number) {
    super();
    this.attentions = [new FrameAttention(source, channels)];
    this.resnets = [
      new ResidualBlock(source, channels, channels),
      new ResidualBlock(source, channels, channels),
    ];
  }

  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const attended = this.attentions[0].forward(this.resnets[0].forward(x, past));
      return this.resnets[1].forward(attended, past);
    });
  }
}
