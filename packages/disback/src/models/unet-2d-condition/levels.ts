import { cat, Module, scope, type Tensor } from "@disback/torch";
import { Downsampler, Upsampler } from "../unet-2d/resamplers.js";
import { ResnetBlock, type ResnetStyle } from "../unet-2d/resnet-block.js";
import type { WeightSource } from "../weights.js";
import type { ConditionLevel, UNet2DConditionOptions } from "./options.js";
import { SpatialTransformer } from "./spatial-transformer.js";

/** What all levels of one network share. */
export type ConditionStyle = ResnetStyle &
  Pick<UNet2DConditionOptions, "downsamplePadding" | "linearProjection">;

/** What every level is given besides the picture. */
export interface LevelCondition {
  /** of step and sizes, after the activation, `[N, E]` or `[1, E]` */
  embedding: Tensor;
  /** `[N, L, D]` */
  text: Tensor;
  /** of the text's mask, `[N, 1, 1, L]` */
  bias: Tensor | undefined;
}

/** One level of the contracting half: `DownBlock2D` and `CrossAttnDownBlock2D` of diffusers. */
export class ConditionDownLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: SpatialTransformer[];
  readonly downsamplers: Downsampler[];

  /** @param last it keeps its resolution */
  constructor(
    source: WeightSource,
    level: ConditionLevel,
    { inChannels, last }: { inChannels: number; last: boolean },
    style: ConditionStyle,
  ) {
    super();
    const { channels } = level;
    this.resnets = level.transformerLayers.map(
      (_, index) =>
        new ResnetBlock(
          source,
          { inChannels: index === 0 ? inChannels : channels, outChannels: channels },
          style,
        ),
    );
    this.attentions = attentions(source, level, style);
    this.downsamplers = last ? [] : [new Downsampler(source, channels, style.downsamplePadding)];
  }

  /** @param x `[N, in, H, W]` @returns what every part gives, the level's output last */
  forward(x: Tensor, condition: LevelCondition): Tensor[] {
    const outputs: Tensor[] = [];
    let hidden = x;
    for (const [index, resnet] of this.resnets.entries()) {
      hidden = layerStep(resnet, this.attentions[index], hidden, condition);
      outputs.push(hidden);
    }
    for (const downsampler of this.downsamplers) outputs.push(downsampler.forward(hidden));
    return outputs;
  }
}

/** One level of the expanding half: `UpBlock2D` and `CrossAttnUpBlock2D` of diffusers. */
export class ConditionUpLevel extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: SpatialTransformer[];
  readonly upsamplers: Upsampler[];

  /**
   * @param inChannels of the level before
   * @param skipChannels of what the encoder hands over, in the order in which it is taken
   * @param last it keeps its resolution
   */
  constructor(
    source: WeightSource,
    level: ConditionLevel,
    {
      inChannels,
      skipChannels,
      last,
    }: { inChannels: number; skipChannels: readonly number[]; last: boolean },
    style: ConditionStyle,
  ) {
    super();
    const { channels } = level;
    this.resnets = skipChannels.map((skip, index) => {
      const before = index === 0 ? inChannels : channels;
      return new ResnetBlock(source, { inChannels: before + skip, outChannels: channels }, style);
    });
    this.attentions = attentions(source, level, style);
    this.upsamplers = last ? [] : [new Upsampler(source, channels)];
  }

  /**
   * @param x `[N, in, H, W]`, released
   * @param encoded the encoder's outputs that are left; one per layer is taken off the end and released
   * @returns `[N, out, 2H, 2W]`, or `H, W` at the last level
   */
  forward(x: Tensor, encoded: Tensor[], condition: LevelCondition): Tensor {
    let hidden = x;
    const advance = (next: Tensor) => {
      hidden.dispose();
      hidden = next;
    };
    for (const [index, resnet] of this.resnets.entries()) {
      const skip = encoded.pop()!;
      advance(scope(() => layerStep(resnet, this.attentions[index], cat([hidden, skip], 1), condition)));
      skip.dispose();
    }
    for (const upsampler of this.upsamplers) advance(upsampler.forward(hidden));
    return hidden;
  }
}

/** The narrowest level: `UNetMidBlock2DCrossAttn` and, without attention, `UNetMidBlock2D` of diffusers. */
export class ConditionMiddleLevel extends Module {
  readonly attentions: SpatialTransformer[];
  readonly resnets: ResnetBlock[];

  constructor(
    source: WeightSource,
    level: NonNullable<UNet2DConditionOptions["middle"]>,
    style: ConditionStyle,
  ) {
    super();
    const { channels, attention, scale } = level;
    const shape = { inChannels: channels, outChannels: channels, outputScale: scale };
    this.attentions = attentions(source, level, style);
    const count = attention ? level.transformerLayers.length + 1 : 1;
    this.resnets = Array.from({ length: count }, () => new ResnetBlock(source, shape, style));
  }

  /** @param x `[N, C, H, W]` @returns the same shape */
  forward(x: Tensor, { embedding, text, bias }: LevelCondition): Tensor {
    return scope(() => {
      let hidden = this.resnets[0]!.forward(x, embedding);
      for (const [index, resnet] of this.resnets.slice(1).entries()) {
        hidden = resnet.forward(this.attentions[index]!.forward(hidden, text, bias), embedding);
      }
      return hidden;
    });
  }
}

/** One per residual block, where the level has attention. */
function attentions(
  source: WeightSource,
  level: ConditionLevel,
  style: ConditionStyle,
): SpatialTransformer[] {
  if (!level.attention) return [];
  const { channels, heads, textChannels } = level;
  const { groups, linearProjection } = style;
  return level.transformerLayers.map(
    (layers) =>
      new SpatialTransformer(source, { channels, heads, textChannels, layers, groups, linearProjection }),
  );
}

/** A residual block and the attention behind it, if there is one. */
function layerStep(
  resnet: ResnetBlock,
  attention: SpatialTransformer | undefined,
  x: Tensor,
  { embedding, text, bias }: LevelCondition,
): Tensor {
  return scope(() => {
    const hidden = resnet.forward(x, embedding);
    return attention ? attention.forward(hidden, text, bias) : hidden;
  });
}
