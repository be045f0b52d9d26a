import { cat, Module, scope, type Tensor } from "@disback/torch";
import type { WeightSource } from "../weights.js";
import { AttentionBlock } from "./attention-block.js";
import { Downsampler, Upsampler } from "./resamplers.js";
import { ResnetBlock, type ResnetStyle } from "./resnet-block.js";

/** Options of all levels of a network. */
export interface LevelStyle extends ResnetStyle {
  layers: number;
  /** channels of an attention head; null for one head of all channels */
  headChannels: number | null;
  /** heads of every attention, instead of `headChannels` */
  heads?: number | undefined;
  downsamplePadding: 0 | 1;
}

/** Parts of a level besides its residual blocks. */
export interface LevelParts {
  /** attention after every residual block */
  attention: boolean;
  /** how the level changes the resolution at its end: by a convolution, by a residual block, or not */
  resampling: "conv" | "resnet" | null;
}

/** Channels of a contracting level. */
export interface DownShape extends LevelParts {
  inChannels: number;
  outChannels: number;
}

/** Channels of an expanding level. */
export interface UpShape extends LevelParts {
  /** channels of the previous level */
  inChannels: number;
  outChannels: number;
  /** channels of the encoder level's outputs, except the last */
  lastSkipChannels: number;
}

/** One level of the contracting half: `DownBlock2D`, `AttnDownBlock2D` and `ResnetDownsampleBlock2D` of diffusers. */
export class DownLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: AttentionBlock[];
  readonly downsamplers: (Downsampler | ResnetBlock)[];

  constructor(source: WeightSource, shape: DownShape, style: LevelStyle) {
    super();
    const { inChannels, outChannels, resampling } = shape;
    this.resnets = Array.from({ length: style.layers }, (_, layer) => {
      const block = { inChannels: layer === 0 ? inChannels : outChannels, outChannels };
      return new ResnetBlock(source, block, style);
    });
    this.attentions = attentions(source, shape, this.resnets.length, style);
    this.downsamplers = [];
    if (resampling === "conv")
      this.downsamplers.push(new Downsampler(source, outChannels, style.downsamplePadding));
    if (resampling === "resnet") {
      const block = { inChannels: outChannels, outChannels, resample: "down" } as const;
      this.downsamplers.push(new ResnetBlock(source, block, style));
    }
  }

  /**
   * @param x `[N, in, H, W]`
   * @param embedding embedding of the step, after the activation @returns the output of every part, ending with the
   *   level's
   */
  forward(x: Tensor, embedding: Tensor): Tensor[] {
    const outputs: Tensor[] = [];
    let hidden = x;
    for (const [layer, resnet] of this.resnets.entries()) {
      hidden = layerStep(resnet, this.attentions[layer], hidden, embedding);
      outputs.push(hidden);
    }
    for (const downsampler of this.downsamplers) outputs.push(downsampler.forward(hidden, embedding));
    return outputs;
  }
}

/** One level of the expanding half: `UpBlock2D`, `AttnUpBlock2D` and `ResnetUpsampleBlock2D` of diffusers. */
export class UpLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: AttentionBlock[];
  readonly upsamplers: (Upsampler | ResnetBlock)[];

  constructor(source: WeightSource, shape: UpShape, style: LevelStyle) {
    super();
    const { inChannels, outChannels, lastSkipChannels, resampling } = shape;
    const layers = style.layers + 1;
    this.resnets = Array.from({ length: layers }, (_, layer) => {
      const before = layer === 0 ? inChannels : outChannels;
      const skip = layer === layers - 1 ? lastSkipChannels : outChannels;
      return new ResnetBlock(source, { inChannels: before + skip, outChannels }, style);
    });
    this.attentions = attentions(source, shape, layers, style);
    this.upsamplers = [];
    if (resampling === "conv") this.upsamplers.push(new Upsampler(source, outChannels));
    if (resampling === "resnet") {
      const block = { inChannels: outChannels, outChannels, resample: "up" } as const;
      this.upsamplers.push(new ResnetBlock(source, block, style));
    }
  }

  /**
   * @param x `[N, in, H, W]`, released
   * @param encoded the unused outputs of the encoder; one per layer is removed from the end and released
   * @returns `[N, out, 2H, 2W]`, or `H, W` at the last level
   */
  forward(x: Tensor, encoded: Tensor[], embedding: Tensor): Tensor {
    let hidden = x;
    const advance = (next: Tensor) => {
      hidden.dispose();
      hidden = next;
    };
    for (const [layer, resnet] of this.resnets.entries()) {
      const skip = encoded.pop()!;
      advance(scope(() => layerStep(resnet, this.attentions[layer], cat([hidden, skip], 1), embedding)));
      skip.dispose();
    }
    for (const upsampler of this.upsamplers) advance(upsampler.forward(hidden, embedding));
    return hidden;
  }
}

/** The narrowest level: `UNetMidBlock2D` of diffusers. */
export class MiddleLevel extends Module {
  readonly attentions: AttentionBlock[];
  readonly resnets: [ResnetBlock, ResnetBlock];

  constructor(
    source: WeightSource,
    options: { channels: number; attention: boolean; attentionGroups: number | null; outputScale: number },
    style: Pick<LevelStyle, "headChannels" | "heads"> & ResnetStyle,
  ) {
    super();
    const { channels, outputScale } = options;
    const resnet = () =>
      new ResnetBlock(source, { inChannels: channels, outChannels: channels, outputScale }, style);
    const attention = () =>
      new AttentionBlock(source, {
        channels,
        headChannels: headChannels(channels, style),
        groups: options.attentionGroups,
        eps: style.eps,
        outputScale,
      });
    this.attentions = options.attention ? [attention()] : [];
    this.resnets = [resnet(), resnet()];
  }

  /** @param x `[N, C, H, W]` @returns the same shape */
  forward(x: Tensor, embedding?: Tensor): Tensor {
    return scope(() => {
      const hidden = layerStep(this.resnets[0], this.attentions[0], x, embedding);
      return this.resnets[1].forward(hidden, embedding);
    });
  }
}

function attentions(
  source: WeightSource,
  { attention, outChannels }: LevelParts & { outChannels: number },
  count: number,
  style: LevelStyle,
): AttentionBlock[] {
  if (!attention) return [];
  const { groups, eps } = style;
  const options = { channels: outChannels, headChannels: headChannels(outChannels, style), groups, eps };
  return Array.from({ length: count }, () => new AttentionBlock(source, options));
}

/** Channels per head of an attention over this many channels. */
function headChannels(
  channels: number,
  style: { headChannels: number | null; heads?: number | undefined },
): number {
  return style.heads === undefined ? (style.headChannels ?? channels) : channels / style.heads;
}

/** A residual block, followed by attention if there is any. */
function layerStep(
  resnet: ResnetBlock,
  attention: AttentionBlock | undefined,
  x: Tensor,
  embedding: Tensor | undefined,
): Tensor {
  return scope(() => {
    const hidden = resnet.forward(x, embedding);
    return attention ? attention.forward(hidden) : hidden;
  });
}
