import { GroupNorm, Module, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { activated } from "../group-normalization.js";
import { MiddleLevel } from "../unet-2d/blocks.js";
import { Downsampler, Upsampler } from "../unet-2d/resamplers.js";
import { ResnetBlock, type ResnetStyle } from "../unet-2d/resnet-block.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import type { KlConfig, VqConfig } from "./autoencoder-config.js";

/** Images to latents, or to their mean and log-variance. Keys as of Encoder in diffusers. */
export class Encoder extends Module {
  readonly conv_in: Convolution;
  readonly down_blocks: Level[];
  readonly mid_block: MiddleLevel;
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;

  /** @param outChannels channels of the output */
  constructor(source: WeightSource, config: KlConfig | VqConfig, outChannels: number) {
    super();
    const { channels, imageChannels, blocksPerLevel } = config;
    const style = styleOf(config);
    const last = channels.at(-1)!;
    this.conv_in = new Convolution(source, imageChannels, channels[0]!, 3, torchStart);
    this.down_blocks = channels.map((outChannels, level) => {
      const inChannels = channels[Math.max(level - 1, 0)]!;
      const resampling = level === channels.length - 1 ? null : "down";
      return new Level(source, { inChannels, outChannels, blocks: blocksPerLevel, resampling }, style);
    });
    this.mid_block = middle(source, last, config);
    this.conv_norm_out = new GroupNorm(style.groups, last, { eps: style.eps });
    this.conv_out = new Convolution(source, last, outChannels, 3, torchStart);
  }

  /** @param images `[N, C, H, W]` @returns `[N, outChannels, h, w]` */
  forward(images: Tensor): Tensor {
    const hidden = throughLevels(this.down_blocks, this.conv_in.forward(images));
    return this.conv_out.forward(activated(this.conv_norm_out, this.mid_block.forward(hidden)));
  }
}

/** Latents to images. Keys as of Decoder in diffusers. */
export class Decoder extends Module {
  readonly conv_in: Convolution;
  readonly mid_block: MiddleLevel;
  readonly up_blocks: Level[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;

  /** @param inChannels channels of the input */
  constructor(source: WeightSource, config: KlConfig | VqConfig, inChannels: number) {
    super();
    const { imageChannels, blocksPerLevel } = config;
    const style = styleOf(config);
    const channels = [...config.channels].reverse();
    const last = channels.at(-1)!;
    this.conv_in = new Convolution(source, inChannels, channels[0]!, 3, torchStart);
    this.mid_block = middle(source, channels[0]!, config);
    this.up_blocks = channels.map((outChannels, level) => {
      const inChannels = channels[Math.max(level - 1, 0)]!;
      const resampling = level === channels.length - 1 ? null : "up";
      return new Level(source, { inChannels, outChannels, blocks: blocksPerLevel + 1, resampling }, style);
    });
    this.conv_norm_out = new GroupNorm(style.groups, last, { eps: style.eps });
    this.conv_out = new Convolution(source, last, imageChannels, 3, torchStart);
  }

  /** @param latents `[N, inChannels, h, w]` @returns `[N, C, H, W]` */
  forward(latents: Tensor): Tensor {
    const hidden = throughLevels(this.up_blocks, this.mid_block.forward(this.conv_in.forward(latents)));
    return this.conv_out.forward(activated(this.conv_norm_out, hidden));
  }
}

interface LevelShape {
  inChannels: number;
  outChannels: number;
  blocks: number;
  resampling: "down" | "up" | null;
}

/**
 * Blocks of one resolution and the resampling to the next: `DownEncoderBlock2D` and `UpDecoderBlock2D` of diffusers.
 */
class Level extends Module {
  readonly resnets: ResnetBlock[];
  readonly downsamplers: Downsampler[];
  readonly upsamplers: Upsampler[];

  constructor(source: WeightSource, shape: LevelShape, style: ResnetStyle) {
    super();
    const { inChannels, outChannels, blocks, resampling } = shape;
    this.resnets = Array.from({ length: blocks }, (_, index) => {
      const block = { inChannels: index === 0 ? inChannels : outChannels, outChannels };
      return new ResnetBlock(source, block, style);
    });
    this.downsamplers = resampling === "down" ? [new Downsampler(source, outChannels, 0)] : [];
    this.upsamplers = resampling === "up" ? [new Upsampler(source, outChannels)] : [];
  }

  get parts(): (ResnetBlock | Downsampler | Upsampler)[] {
    return [...this.resnets, ...this.downsamplers, ...this.upsamplers];
  }
}

/** Releases each part's input, because at full resolution it is as large as all weights together. */
function throughLevels(levels: readonly Level[], x: Tensor): Tensor {
  let hidden = x;
  for (const part of levels.flatMap((level) => level.parts)) {
    const before = hidden;
    hidden = scope(() => part.forward(before));
    before.dispose();
  }
  return hidden;
}

function middle(source: WeightSource, channels: number, config: KlConfig | VqConfig): MiddleLevel {
  const style = styleOf(config);
  const options = { channels, attention: config.attention, attentionGroups: style.groups, outputScale: 1 };
  return new MiddleLevel(source, options, { ...style, headChannels: null });
}

/** Blocks without a step embedding. */
function styleOf(config: KlConfig | VqConfig): ResnetStyle {
  return {
    embeddingChannels: null,
    scaleShift: false,
    groups: config.normalizationGroups,
    eps: 1e-6,
    activation: "silu",
    dropout: 0,
  };
}
