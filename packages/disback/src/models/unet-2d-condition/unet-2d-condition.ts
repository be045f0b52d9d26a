import { cat, type DType, GroupNorm, Module, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { Convolution } from "../convolution.js";
import { PositionalEmbedding } from "../embeddings.js";
import { endsOfLevels, inDtype } from "../network.js";
import { activatedNormal } from "../unet-2d/activation.js";
import { torchStart } from "../unet-2d/start.js";
import { StepEmbedding } from "../unet-2d/step-embedding.js";
import type { WeightSource } from "../weights.js";
import { attentionBias } from "./cross-attention.js";
import {
  ConditionDownLevel,
  ConditionMiddleLevel,
  type ConditionStyle,
  ConditionUpLevel,
  type LevelCondition,
} from "./levels.js";
import type { UNet2DConditionOptions } from "./options.js";

/** What the network is told besides the step; the batch comes first. */
export interface UNet2DCondition {
  /** states of the text encoder `[N, L, D]` */
  text: Tensor;
  /** 1 for states to look at, 0 for padding, `[N, L]`; none means all */
  textMask?: Tensor | undefined;
  /** SDXL: the text as one vector `[N, P]` */
  pooled?: Tensor | undefined;
  /** SDXL: original height and width, top and left of the crop, target height and width, `[N, 6]` */
  sizes?: Tensor | undefined;
}

/**
 * `UNet2DConditionModel` of diffusers: the network of Stable Diffusion 1, 2 and XL (Rombach et al. 2022; Podell et al.
 * 2023) and of students distilled from them. Keys of its state are the original's.
 */
export class UNet2DConditionModel extends Module {
  readonly conv_in: Convolution;
  readonly time_embedding: StepEmbedding;
  readonly add_embedding: StepEmbedding | null;
  readonly down_blocks: ConditionDownLevel[];
  readonly mid_block: ConditionMiddleLevel | null;
  readonly up_blocks: ConditionUpLevel[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;
  private readonly stepWaves: PositionalEmbedding;
  private readonly sizeWaves: PositionalEmbedding | null;

  constructor(
    source: WeightSource,
    readonly options: UNet2DConditionOptions,
  ) {
    super();
    const {
      down,
      up,
      added,
      embeddingChannels,
      normalizationEps: eps,
      normalizationGroups: groups,
    } = options;
    const first = down[0]!.channels;
    const style = styleOf(options);

    this.conv_in = new Convolution(source, options.inChannels, first, 3, torchStart);
    this.stepWaves = positional(first, options);
    this.time_embedding = new StepEmbedding(source, first, embeddingChannels);
    this.sizeWaves = added && added.sizeChannels > 0 ? positional(added.sizeChannels, options) : null;
    this.add_embedding = added && new StepEmbedding(source, added.inChannels, embeddingChannels);

    this.down_blocks = down.map((level, index) => {
      const inChannels = down[index - 1]?.channels ?? first;
      return new ConditionDownLevel(source, level, { inChannels, last: index === down.length - 1 }, style);
    });
    this.mid_block = options.middle && new ConditionMiddleLevel(source, options.middle, style);
    const skips = skipChannels(options);
    this.up_blocks = up.map((level, index) => {
      const inChannels = up[index - 1]?.channels ?? down.at(-1)!.channels;
      const taken = level.transformerLayers.map(() => skips.pop()!);
      const channels = { inChannels, skipChannels: taken, last: index === up.length - 1 };
      return new ConditionUpLevel(source, level, channels, style);
    });
    this.conv_norm_out = new GroupNorm(groups, first, { eps });
    this.conv_out = new Convolution(source, first, options.outChannels, 3, torchStart);
  }

  /** channels of the text states that it takes */
  get textChannels(): number {
    return this.options.down.at(-1)!.textChannels;
  }

  /** shapes of what it is told besides the text */
  get vectorShapes(): Readonly<Record<string, readonly number[]>> {
    const { added } = this.options;
    if (!added) return {};
    const pooled = [added.inChannels - 6 * added.sizeChannels];
    return added.sizeChannels > 0 ? { pooled, sizes: [6] } : { pooled };
  }

  /** dtype of its weights, which its input must have */
  get dtype(): DType {
    return this.conv_in.weight.dtype;
  }

  /**
   * @param x `[N, C, H, W]`; height and width multiples of 2 per halving
   * @param timestep whole or not, `[N]` or `[1]`
   * @returns `[N, outChannels, H, W]`
   * @throws DisbackError if height or width do not fit, or if the condition lacks what the network needs
   */
  forward(x: Tensor, timestep: Tensor, condition: UNet2DCondition): Tensor {
    return scope(() => {
      const told = this.condition(x, timestep, condition);
      const encoded = this.encode(x, told);
      const narrowest = encoded.at(-1)!;
      // A copy where there is no middle: levels of the decoder release what they are given.
      let hidden = this.mid_block ? this.mid_block.forward(narrowest, told) : narrowest.clone();
      for (const level of this.up_blocks) hidden = level.forward(hidden, encoded, told);
      return this.conv_out.forward(activatedNormal(this.conv_norm_out, hidden, "silu"));
    });
  }

  /** The encoder's last output, the bottleneck; parameters as of `forward`. @returns `[N, channels, h, w]` */
  features(x: Tensor, timestep: Tensor, condition: UNet2DCondition): Tensor {
    return scope(() => this.encode(x, this.condition(x, timestep, condition)).at(-1)!);
  }

  /** The encoder's last output of each resolution, the bottleneck last. */
  layerFeatures(x: Tensor, timestep: Tensor, condition: UNet2DCondition): Tensor[] {
    return scope(() => endsOfLevels(this.encode(x, this.condition(x, timestep, condition))));
  }

  /** @returns what every part of the encoder gives, the bottleneck last */
  private encode(x: Tensor, told: LevelCondition): Tensor[] {
    const input = this.options.centerInput ? x.mul(2).sub(1) : x;
    const outputs = [this.conv_in.forward(input)];
    for (const level of this.down_blocks) outputs.push(...level.forward(outputs.at(-1)!, told));
    return outputs;
  }

  private condition(x: Tensor, timestep: Tensor, condition: UNet2DCondition): LevelCondition {
    const factor = 2 ** (this.options.down.length - 1);
    const sides = x.shape.slice(2);
    if (sides.some((side) => side % factor !== 0)) {
      throw new DisbackError(`x: ${sides.join(" x ")} must be multiples of ${factor}`);
    }
    const text = inDtype(condition.text, this.dtype);
    return {
      embedding: ops.silu(this.embed(timestep, condition)),
      text,
      bias: condition.textMask && attentionBias(condition.textMask, text),
    };
  }

  private embed(timestep: Tensor, { pooled, sizes }: UNet2DCondition): Tensor {
    const step = this.time_embedding.forward(inDtype(this.stepWaves.forward(timestep), this.dtype));
    if (!this.add_embedding) return step;
    if (!pooled || (this.sizeWaves && !sizes)) {
      throw new DisbackError(
        `condition: "${pooled ? "sizes" : "pooled"}" is missing, which this network needs`,
      );
    }
    const vector = inDtype(pooled, this.dtype);
    if (!this.sizeWaves) return step.add(this.add_embedding.forward(vector));
    const waves = this.sizeWaves.forward(sizes!.float().flatten()).reshape([sizes!.shape[0]!, -1]);
    const added = cat([vector, inDtype(waves, this.dtype)], 1);
    return step.add(this.add_embedding.forward(added));
  }
}

/** Channels that the encoder hands over, in its order. */
function skipChannels({ down }: UNet2DConditionOptions): number[] {
  const channels = [down[0]!.channels];
  for (const [index, level] of down.entries()) {
    for (const _ of level.transformerLayers) channels.push(level.channels);
    if (index < down.length - 1) channels.push(level.channels);
  }
  return channels;
}

function positional(
  channels: number,
  { cosineFirst, frequencyShift }: UNet2DConditionOptions,
): PositionalEmbedding {
  const order = cosineFirst ? "cosine-first" : "sine-first";
  return new PositionalEmbedding(channels, { order, endpoint: frequencyShift === 1, exponential: true });
}

function styleOf(options: UNet2DConditionOptions): ConditionStyle {
  return {
    embeddingChannels: options.embeddingChannels,
    scaleShift: options.scaleShift,
    groups: options.normalizationGroups,
    eps: options.normalizationEps,
    activation: "silu",
    dropout: options.dropout,
    downsamplePadding: options.downsamplePadding,
    linearProjection: options.linearProjection,
  };
}
