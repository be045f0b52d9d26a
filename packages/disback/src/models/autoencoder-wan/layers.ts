import { cat, Module, ones, ops, parameter, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { Downsampler } from "../unet-2d/resamplers.js";
import { torchStart } from "../unet-2d/start.js";
import { initialWeights, type WeightSource } from "../weights.js";
import type { Past } from "./past.js";

type Kernel = readonly [frames: number, rows: number, columns: number];

/** A convolution over frames, rows and columns that sees no later frames: `WanCausalConv3d` of diffusers. */
export class CausalConvolution extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(
    source: WeightSource,
    inChannels: number,
    outChannels: number,
    private readonly kernel: Kernel,
    private readonly stride = 1,
  ) {
    super();
    const volume = kernel.reduce((product, size) => product * size, 1);
    const shapes = { weight: [outChannels, inChannels, ...kernel], bias: [outChannels] };
    const { weight, bias } = initialWeights(
      source,
      torchStart,
      shapes,
      inChannels * volume,
      outChannels * volume,
    );
    this.weight = parameter(weight);
    this.bias = parameter(bias!);
  }

  /**
   * Zeros stand before the clip's first frame.
   * @param x the clip's next frames `[N, in, T, H, W]` @returns `[N, out, T, H, W]`
   */
  forward(x: Tensor, past: Past): Tensor {
    const before = this.kernel[0] - 1;
    if (before === 0) return this.convolve(x);
    return scope(() => {
      const seen = past.of(this);
      const all = seen ? cat([seen, x], 2) : ops.constant_pad_nd(x, [0, 0, 0, 0, before, 0]);
      past.remember(this, all, before);
      return this.convolve(all);
    });
  }

  /** Frames that are there alone. @param x `[N, in, T, H, W]` @returns `[N, out, (T - frames) / stride + 1, H, W]` */
  convolve(x: Tensor): Tensor {
    const [, rows, columns] = this.kernel;
    const padding = [0, Math.floor(rows / 2), Math.floor(columns / 2)];
    return ops.conv3d(x, this.weight, this.bias, [this.stride, 1, 1], padding);
  }
}

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

/** Halves height and width, and where `time` is set the frames after the first: `WanResample` of diffusers. */
export class ClipDownsampler extends Module {
  readonly resample: { 1: Convolution };
  readonly time_conv: CausalConvolution | null;

  constructor(source: WeightSource, channels: number, time: boolean) {
    super();
    this.resample = { 1: new Downsampler(source, channels, 0).conv };
    this.time_conv = time ? new CausalConvolution(source, channels, channels, [3, 1, 1], 2) : null;
  }

  /**
   * @param x the clip's next frames `[N, C, T, H, W]`: its first alone, then an even number
   * @returns `[N, C, T, H/2, W/2]`, or half the frames unless it is the first
   */
  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const small = framewise(x, (frames) => this.resample[1].forward(frames));
      if (!this.time_conv) return small;
      const last = past.of(this);
      const seen = last && cat([last, small], 2);
      past.remember(this, small, 1);
      return seen ? this.time_conv.convolve(seen) : small;
    });
  }
}

/** Doubles height and width, and where `time` is set the frames after the first, with half the channels. */
export class ClipUpsampler extends Module {
  readonly resample: { 1: Convolution };
  readonly time_conv: CausalConvolution | null;

  constructor(source: WeightSource, channels: number, time: boolean) {
    super();
    this.resample = { 1: new Convolution(source, channels, channels / 2, 3, torchStart) };
    this.time_conv = time ? new CausalConvolution(source, channels, 2 * channels, [3, 1, 1]) : null;
  }

  /**
   * @param x the clip's next frames `[N, C, T, H, W]`, its first alone
   * @returns `[N, C/2, T, 2H, 2W]`, or twice the frames unless it is the first
   */
  forward(x: Tensor, past: Past): Tensor {
    return scope(() => {
      const [height, width] = x.shape.slice(3) as [number, number];
      return framewise(this.moreFrames(x, past), (frames) =>
        this.resample[1].forward(ops.upsample_nearest2d(frames, [2 * height, 2 * width])),
      );
    });
  }

  /** The first frame stays one, and the convolution over time begins behind it. */
  private moreFrames(x: Tensor, past: Past): Tensor {
    if (!this.time_conv) return x;
    const isFirst = past.of(this) === undefined;
    if (isFirst) past.remember(this, x, 1);
    if (isFirst) return x;
    const [batch, channels, frames, ...sides] = x.shape as [number, number, number, number, number];
    return this.time_conv
      .forward(x, past)
      .reshape([batch, 2, channels, frames, ...sides])
      .permute([0, 2, 3, 1, 4, 5])
      .reshape([batch, channels, 2 * frames, ...sides]);
  }
}

/** Applies work on pictures to each frame. @param x `[N, C, T, H, W]` */
function framewise(x: Tensor, work: (frames: Tensor) => Tensor): Tensor {
  const [batch, , frames] = x.shape as [number, number, number];
  const flat = work(x.transpose(1, 2).flatten(0, 1));
  return ops.unflatten(flat, 0, [batch, frames]).transpose(1, 2);
}
