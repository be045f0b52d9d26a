import { type DType, GroupNorm, Module, parameter, type Tensor, zeros } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { type NoiseEmbedding, PositionalEmbedding } from "../embeddings.js";
import { dropLabels, endsOfLevels, inDtype, Network } from "../network.js";
import type { WeightSource } from "../weights.js";
import { activate, activatedNormal } from "./activation.js";
import { DownLevel, type LevelStyle, MiddleLevel, UpLevel } from "./blocks.js";
import { downParts, upParts } from "./levels.js";
import type { UNet2DOptions } from "./options.js";
import { torchStart } from "./start.js";
import { LogFourierProjection, StepEmbedding } from "./step-embedding.js";

/**
 * `UNet2DModel` of diffusers: the network of DDPM (Ho et al. 2020, appendix B) and its relatives. Keys of its state are
 * the original's.
 */
export class UNet2D extends Network {
  readonly conv_in: Convolution;
  readonly time_proj: NoiseEmbedding;
  readonly time_embedding: StepEmbedding;
  readonly class_embedding: ClassTable | StepEmbedding | null;
  readonly down_blocks: DownLevel[];
  readonly mid_block: MiddleLevel | null;
  readonly up_blocks: UpLevel[];
  readonly conv_norm_out: GroupNorm;
  readonly conv_out: Convolution;

  constructor(
    source: WeightSource,
    private readonly options: UNet2DOptions,
  ) {
    super();
    const { blockChannels, labelDim, normalizationEps: eps, normalizationGroups: groups } = options;
    const first = blockChannels[0]!;
    const embeddingChannels = options.embeddingChannels ?? 4 * first;
    const style = levelStyle(options, embeddingChannels);

    this.conv_in = new Convolution(source, options.inChannels, first, 3, torchStart);
    const fourier = options.stepEmbedding === "fourier";
    const waves = fourier ? 2 * first : (options.stepChannels ?? first);
    this.time_proj = fourier ? new LogFourierProjection(source, first) : positional(waves, options);
    this.time_embedding = new StepEmbedding(source, waves, embeddingChannels);
    this.class_embedding =
      labelDim === 0
        ? null
        : options.classEmbedding === "table"
          ? new ClassTable(source, labelDim, embeddingChannels)
          : new StepEmbedding(source, waves, embeddingChannels);

    this.down_blocks = options.downBlocks.map((type, level) => {
      const channels = { inChannels: blockChannels[level - 1] ?? first, outChannels: blockChannels[level]! };
      const parts = downParts(type, level === blockChannels.length - 1, options);
      return new DownLevel(source, { ...channels, ...parts }, style);
    });
    this.mid_block = options.middleBlock ? middle(source, options, style) : null;
    const upwards = [...blockChannels].reverse();
    this.up_blocks = options.upBlocks.map((type, level) => {
      const channels = {
        inChannels: upwards[level - 1] ?? upwards[0]!,
        outChannels: upwards[level]!,
        lastSkipChannels: upwards[level + 1] ?? upwards.at(-1)!,
      };
      const parts = upParts(type, level === upwards.length - 1, options);
      return new UpLevel(source, { ...channels, ...parts }, style);
    });
    this.conv_norm_out = new GroupNorm(groups, first, { eps });
    this.conv_out = new Convolution(source, first, options.outChannels, 3, torchStart);
  }

  get dtype(): DType {
    return this.conv_in.weight.dtype;
  }

  /** @param x `[N, C, H, W]` @param noise steps `[N]` or `[1]` @returns `[N, outChannels, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const embedding = this.embed(x.shape[0]!, noise, labels);
    const encoded = this.encode(x, embedding);
    const narrowest = encoded.at(-1)!;
    // A copy if there is no middle, because the decoder's levels release their input.
    let hidden = this.mid_block ? this.mid_block.forward(narrowest, embedding) : narrowest.clone();
    for (const level of this.up_blocks) hidden = level.forward(hidden, encoded, embedding);
    const output = this.conv_out.forward(activatedNormal(this.conv_norm_out, hidden, "silu"));
    if (this.options.stepEmbedding !== "fourier") return output;
    return output.div(inDtype(noise, output.dtype).reshape([-1, 1, 1, 1]));
  }

  /** The encoder's last output, the bottleneck. */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    return this.encode(x, this.embed(x.shape[0]!, noise, labels)).at(-1)!;
  }

  /** The encoder's last output of each resolution, the bottleneck last. */
  override layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor): Tensor[] {
    return endsOfLevels(this.encode(x, this.embed(x.shape[0]!, noise, labels)));
  }

  /** A table has no row for "no class". A class that is a number is then 0, which always has the same embedding. */
  override stateWithoutLabels(): Map<string, Tensor> {
    const state = new Map([...this.stateDict()].filter(([key]) => !key.startsWith("class_embedding.")));
    if (this.class_embedding instanceof StepEmbedding) {
      const bias = this.time_embedding.linear_2.bias!;
      const shift = this.embedClass(1, zeros([1, 1], { dtype: this.dtype, device: bias.device })).flatten();
      state.set("time_embedding.linear_2.bias", bias.add(shift));
    }
    return state;
  }

  /** @returns the output of every part of the encoder, ending with the bottleneck */
  private encode(x: Tensor, embedding: Tensor): Tensor[] {
    const input = this.options.centerInput ? x.mul(2).sub(1) : x;
    const outputs = [this.conv_in.forward(input)];
    for (const level of this.down_blocks) outputs.push(...level.forward(outputs.at(-1)!, embedding));
    return outputs;
  }

  /** The embedding of step and class, after the activation at the start of every residual block. */
  private embed(batch: number, noise: Tensor, labels?: Tensor): Tensor {
    const steps = inDtype(this.time_proj.forward(noise), this.dtype);
    let embedding = this.time_embedding.forward(steps);
    if (this.class_embedding && labels) embedding = embedding.add(this.embedClass(batch, labels));
    return activate(embedding, this.options.activation);
  }

  private embedClass(batch: number, labels: Tensor): Tensor {
    const { labelDropout } = this.options;
    const shown = this.training && labelDropout > 0 ? dropLabels(labels, labelDropout, batch) : labels;
    if (this.class_embedding instanceof ClassTable) return this.class_embedding.forward(shown);
    return this.class_embedding!.forward(inDtype(this.time_proj.forward(shown.flatten()), this.dtype));
  }
}

/** A row per class; labels of zeros add nothing. */
class ClassTable extends Module {
  readonly weight: Tensor;

  constructor(source: WeightSource, classes: number, channels: number) {
    super();
    this.weight = parameter(source.normal([classes, channels]));
  }

  /** @param labels one-hot `[N, classes]` @returns `[N, channels]` */
  forward(labels: Tensor): Tensor {
    return labels.matmul(this.weight);
  }
}

function positional(channels: number, { cosineFirst, frequencyShift }: UNet2DOptions): NoiseEmbedding {
  const order = cosineFirst ? "cosine-first" : "sine-first";
  return new PositionalEmbedding(channels, { order, endpoint: frequencyShift === 1, exponential: true });
}

function levelStyle(options: UNet2DOptions, embeddingChannels: number): LevelStyle {
  return {
    embeddingChannels,
    scaleShift: options.scaleShift,
    groups: options.normalizationGroups,
    eps: options.normalizationEps,
    activation: options.activation,
    dropout: options.dropout,
    layers: options.layersPerBlock,
    headChannels: options.headChannels,
    heads: options.heads,
    downsamplePadding: options.downsamplePadding,
  };
}

function middle(source: WeightSource, options: UNet2DOptions, style: LevelStyle): MiddleLevel {
  const usual = options.scaleShift ? null : options.normalizationGroups;
  return new MiddleLevel(
    source,
    {
      channels: options.blockChannels.at(-1)!,
      attention: options.middleAttention,
      attentionGroups: options.middleAttentionGroups ?? usual,
      outputScale: options.middleScale,
    },
    style,
  );
}
