import { type GroupNorm, Module, ops, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { activated } from "../group-normalization.js";
import type { WeightSource } from "../weights.js";
import type { AutoencoderConfig } from "./autoencoder-config.js";
import { MiddleBlock, normalization, ResidualBlock, START } from "./blocks.js";

/** Images to mean and log-variance of latents. Keys as of Encoder in diffusers. */
export class Encoder extends Module {
  readonly conv_in: Convolution;
  readonly down_blocks: Level[];
  readonly mid_block: MiddleBlock;
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;

  constructor(source: WeightSource, config: AutoencoderConfig) {
    super();
    const { channels, normalizationGroups: groups } = config;
    const last = channels.at(-1)!;
    this.conv_in = new Convolution(source, config.imageChannels, channels[0]!, 3, START);
    this.down_blocks = channels.map((outChannels, level) => {
      const sizes = { inChannels: channels[Math.max(level - 1, 0)]!, outChannels, groups };
      const resampling = level === channels.length - 1 ? undefined : "downsamplers";
      return new Level(source, { ...sizes, blocks: config.blocksPerLevel, resampling });
    });
    this.mid_block = new MiddleBlock(source, last, groups, config.attention);
    this.conv_norm_out = normalization(last, groups);
    this.conv_out = new Convolution(source, last, 2 * config.latentChannels, 3, START);
  }

  /** @param images `[N, C, H, W]` @returns `[N, 2 * latentChannels, h, w]` */
  forward(images: Tensor): Tensor {
    let hidden = this.conv_in.forward(images);
    for (const level of this.down_blocks) hidden = level.forward(hidden);
    return this.conv_out.forward(activated(this.conv_norm_out, this.mid_block.forward(hidden)));
  }
}

/** Latents to images. Keys as of Decoder in diffusers. */
export class Decoder extends Module {
  readonly conv_in: Convolution;
  readonly mid_block: MiddleBlock;
  readonly up_blocks: Level[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;

  constructor(source: WeightSource, config: AutoencoderConfig) {
    super();
    const { normalizationGroups: groups } = config;
    const channels = [...config.channels].reverse();
    this.conv_in = new Convolution(source, config.latentChannels, channels[0]!, 3, START);
    this.mid_block = new MiddleBlock(source, channels[0]!, groups, config.attention);
    this.up_blocks = channels.map((outChannels, level) => {
      const sizes = { inChannels: channels[Math.max(level - 1, 0)]!, outChannels, groups };
      const resampling = level === channels.length - 1 ? undefined : "upsamplers";
      return new Level(source, { ...sizes, blocks: config.blocksPerLevel + 1, resampling });
    });
    this.conv_norm_out = normalization(channels.at(-1)!, groups);
    this.conv_out = new Convolution(source, channels.at(-1)!, config.imageChannels, 3, START);
  }

  /** @param latents `[N, latentChannels, h, w]` @returns `[N, C, H, W]` */
  forward(latents: Tensor): Tensor {
    let hidden = this.mid_block.forward(this.conv_in.forward(latents));
    for (const level of this.up_blocks) hidden = level.forward(hidden);
    return this.conv_out.forward(activated(this.conv_norm_out, hidden));
  }
}

interface LevelOptions {
  inChannels: number;
  outChannels: number;
  groups: number;
  blocks: number;
  resampling: "downsamplers" | "upsamplers" | undefined;
}

/** Blocks of one resolution and the step to the next. Keys as of DownEncoderBlock2D and UpDecoderBlock2D. */
class Level extends Module {
  readonly resnets: ResidualBlock[];
  readonly downsamplers: [Downsampling] | null;
  readonly upsamplers: [Upsampling] | null;

  constructor(source: WeightSource, options: LevelOptions) {
    super();
    const { inChannels, outChannels, groups, blocks, resampling } = options;
    this.resnets = Array.from(
      { length: blocks },
      (_, index) => new ResidualBlock(source, index === 0 ? inChannels : outChannels, outChannels, groups),
    );
    this.downsamplers = resampling === "downsamplers" ? [new Downsampling(source, outChannels)] : null;
    this.upsamplers = resampling === "upsamplers" ? [new Upsampling(source, outChannels)] : null;
  }

  forward(x: Tensor): Tensor {
    let hidden = x;
    for (const block of this.resnets) {
      const before = hidden;
      hidden = scope(() => block.forward(before));
    }
    const [resampling] = this.downsamplers ?? this.upsamplers ?? [];
    return resampling ? resampling.forward(hidden) : hidden;
  }
}

/** Every second pixel of a convolution that looks to the right and below. */
class Downsampling extends Module {
  readonly conv: Convolution;

  constructor(source: WeightSource, channels: number) {
    super();
    this.conv = new Convolution(source, channels, channels, 3, START);
  }

  forward(x: Tensor): Tensor {
    return ops.conv2d(ops.constant_pad_nd(x, [0, 1, 0, 1]), this.conv.weight, this.conv.bias, [2, 2]);
  }
}

/** Every pixel four times, then a convolution. */
class Upsampling extends Module {
  readonly conv: Convolution;

  constructor(source: WeightSource, channels: number) {
    super();
    this.conv = new Convolution(source, channels, channels, 3, START);
  }

  forward(x: Tensor): Tensor {
    const [, , height, width] = x.shape as [number, number, number, number];
    return this.conv.forward(ops.upsample_nearest2d(x, [2 * height, 2 * width]));
  }
}
