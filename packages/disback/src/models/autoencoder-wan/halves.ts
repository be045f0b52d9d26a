import { Module, ops, scope, type Tensor } from "@disback/torch";
import type { WanConfig } from "../autoencoder/autoencoder-config.js";
import type { WeightSource } from "../weights.js";
import { ChannelNorm, MiddleBlock, ResidualBlock } from "./blocks.js";
import { CausalConvolution } from "./causal-convolution.js";
import type { Past } from "./past.js";
import { ClipDownsampler, ClipUpsampler } from "./resamplers.js";

/** Clips to their latents' mean and log-variance. Keys as of `WanEncoder3d` of diffusers. */
export class ClipEncoder extends Module {
  readonly conv_in: CausalConvolution;
  readonly down_blocks: (ResidualBlock | ClipDownsampler)[];
  readonly mid_block: MiddleBlock;
  readonly norm_out: ChannelNorm;
  readonly conv_out: CausalConvolution;

  constructor(source: WeightSource, config: WanConfig) {
    super();
    const channels = config.channelMultipliers.map((factor) => factor * config.encoderChannels);
    const last = channels.at(-1)!;
    this.conv_in = new CausalConvolution(source, config.imageChannels, config.encoderChannels, [3, 3, 3]);
    this.down_blocks = channels.flatMap((outChannels, level) => {
      const inChannels = channels[level - 1] ?? config.encoderChannels;
      const time = config.halvedFrames[level];
      return [
        ...blocks(source, config.blocksPerLevel, inChannels, outChannels),
        ...(time === undefined ? [] : [new ClipDownsampler(source, outChannels, time)]),
      ];
    });
    this.mid_block = new MiddleBlock(source, last);
    this.norm_out = new ChannelNorm(last, 3);
    this.conv_out = new CausalConvolution(source, last, 2 * config.latentChannels, [3, 3, 3]);
  }

  /** @param clip its next frames `[N, C, T, H, W]` @returns `[N, 2 latentChannels, t, h, w]` */
  forward(clip: Tensor, past: Past): Tensor {
    const levels = throughParts(this.down_blocks, this.conv_in.forward(clip, past), past);
    const hidden = this.mid_block.forward(levels, past);
    return this.conv_out.forward(ops.silu(this.norm_out.forward(hidden)), past);
  }
}

/** Latents to clips. Keys as of `WanDecoder3d` of diffusers. */
export class ClipDecoder extends Module {
  readonly conv_in: CausalConvolution;
  readonly mid_block: MiddleBlock;
  readonly up_blocks: UpLevel[];
  readonly norm_out: ChannelNorm;
  readonly conv_out: CausalConvolution;

  constructor(source: WeightSource, config: WanConfig) {
    super();
    const channels = config.channelMultipliers.map((factor) => factor * config.decoderChannels).reverse();
    const halved = [...config.halvedFrames].reverse();
    const [first, last] = [channels[0]!, channels.at(-1)!];
    this.conv_in = new CausalConvolution(source, config.latentChannels, first, [3, 3, 3]);
    this.mid_block = new MiddleBlock(source, first);
    this.up_blocks = channels.map((outChannels, level) => {
      // The upsampler before it has halved the channels.
      const inChannels = level === 0 ? first : channels[level - 1]! / 2;
      return new UpLevel(
        source,
        { inChannels, outChannels, blocks: config.blocksPerLevel + 1 },
        halved[level],
      );
    });
    this.norm_out = new ChannelNorm(last, 3);
    this.conv_out = new CausalConvolution(source, last, config.imageChannels, [3, 3, 3]);
  }

  /** @param latents the next frames `[N, latentChannels, t, h, w]` @returns `[N, C, T, H, W]` */
  forward(latents: Tensor, past: Past): Tensor {
    const start = this.mid_block.forward(this.conv_in.forward(latents, past), past);
    const parts = this.up_blocks.flatMap(({ resnets, upsamplers }) => [...resnets, ...upsamplers]);
    const hidden = throughParts(parts, start, past);
    return this.conv_out.forward(ops.silu(this.norm_out.forward(hidden)), past);
  }
}

/** Blocks of one resolution and the way to the next: `WanUpBlock` of diffusers. */
class UpLevel extends Module {
  readonly resnets: ResidualBlock[];
  readonly upsamplers: ClipUpsampler[];

  /** @param time the frames are doubled too; undefined at the highest resolution */
  constructor(
    source: WeightSource,
    shape: { inChannels: number; outChannels: number; blocks: number },
    time: boolean | undefined,
  ) {
    super();
    this.resnets = blocks(source, shape.blocks, shape.inChannels, shape.outChannels);
    this.upsamplers = time === undefined ? [] : [new ClipUpsampler(source, shape.outChannels, time)];
  }
}

function blocks(
  source: WeightSource,
  count: number,
  inChannels: number,
  outChannels: number,
): ResidualBlock[] {
  return Array.from(
    { length: count },
    (_, index) => new ResidualBlock(source, index === 0 ? inChannels : outChannels, outChannels),
  );
}

/** Releases each part's input, because at full resolution it is as large as all weights together. */
function throughParts(
  parts: readonly (ResidualBlock | ClipDownsampler | ClipUpsampler)[],
  x: Tensor,
  past: Past,
): Tensor {
  let hidden = x;
  for (const part of parts) {
    const before = hidden;
    hidden = scope(() => part.forward(before, past));
    before.dispose();
  }
  return hidden;
}
