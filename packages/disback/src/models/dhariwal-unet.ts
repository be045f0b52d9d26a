import { type DType, type GroupNorm, type ModuleDict, ops, type Tensor } from "@disback/torch";
import { Convolution } from "./convolution.js";
import { decoderStep } from "./decoder-step.js";
import { Dense } from "./dense.js";
import { buildDecoder, buildEncoder } from "./dhariwal-halves.js";
import type { DhariwalUNetOptions } from "./dhariwal-options.js";
import { PositionalEmbedding } from "./embeddings.js";
import { activated, groupNormalization } from "./group-normalization.js";
import { levels } from "./levels.js";
import { dropLabels, endsOfLevels, inDtype, Network } from "./network.js";
import { type BlockStyle, UNetBlock } from "./unet-block.js";
import type { WeightSource } from "./weights.js";

const START = {
  distribution: "kaiming-uniform",
  weightScale: Math.sqrt(1 / 3),
  biasScale: Math.sqrt(1 / 3),
} as const;
const ZERO = { distribution: "kaiming-uniform", weightScale: 0 } as const;

/** ADM as configured in Karras et al. 2022, table 7. Keys of its state are those of DhariwalUNet in NVlabs/edm. */
export class DhariwalUNet extends Network {
  readonly map_noise: PositionalEmbedding;
  readonly map_augment: Dense | null;
  readonly map_layer0: Dense;
  readonly map_layer1: Dense;
  readonly map_label: Dense | null;
  readonly enc: ModuleDict<UNetBlock | Convolution>;
  readonly dec: ModuleDict<UNetBlock>;
  readonly out_norm: GroupNorm;
  readonly out_conv: Convolution;
  private readonly labelDropout: number;

  constructor(source: WeightSource, options: DhariwalUNetOptions) {
    super();
    const { modelChannels, labelDim, augmentDim } = options;
    const embeddingChannels = modelChannels * options.embeddingMultiplier;
    this.labelDropout = options.labelDropout;

    this.map_noise = new PositionalEmbedding(modelChannels, { order: "cosine-first" });
    this.map_augment =
      augmentDim > 0 ? new Dense(source, augmentDim, modelChannels, ZERO, { bias: false }) : null;
    this.map_layer0 = new Dense(source, modelChannels, embeddingChannels, START);
    this.map_layer1 = new Dense(source, embeddingChannels, embeddingChannels, START);
    const labelStart = { distribution: "kaiming-normal", weightScale: Math.sqrt(labelDim) } as const;
    this.map_label =
      labelDim > 0 ? new Dense(source, labelDim, embeddingChannels, labelStart, { bias: false }) : null;

    const style = blockStyle(options, embeddingChannels);
    const { encoder, skipChannels } = buildEncoder(source, options, style);
    this.enc = encoder;
    this.dec = buildDecoder(source, skipChannels, options, style);
    const channels = levels(options)[0]!.channels;
    this.out_norm = groupNormalization(channels, style.normalizationEps);
    this.out_conv = new Convolution(source, channels, options.outChannels, 3, ZERO);
  }

  get dtype(): DType {
    return this.map_layer0.weight.dtype;
  }

  /** @param x `[N, C, H, W]` @returns `[N, outChannels, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    const embedding = this.embed(x.shape[0]!, noise, labels, augmentation);
    const skips = this.encode(x, embedding);
    let hidden = skips.at(-1)!;
    for (const [, block] of this.dec) hidden = decoderStep(block, hidden, skips, embedding);
    return this.out_conv.forward(activated(this.out_norm, hidden));
  }

  /** The encoder's last output, the bottleneck. */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    return this.encode(x, this.embed(x.shape[0]!, noise, labels)).at(-1)!;
  }

  /** The encoder's last output of each resolution, the bottleneck last. */
  override layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor): Tensor[] {
    return endsOfLevels(this.encode(x, this.embed(x.shape[0]!, noise, labels)));
  }

  /** @returns the features after every part of the encoder, ending with the bottleneck */
  private encode(x: Tensor, embedding: Tensor): Tensor[] {
    const outputs: Tensor[] = [];
    let hidden = x;
    for (const [, part] of this.enc) {
      hidden = part instanceof UNetBlock ? part.forward(hidden, embedding) : part.forward(hidden);
      outputs.push(hidden);
    }
    return outputs;
  }

  private embed(batch: number, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    let embedding = inDtype(this.map_noise.forward(noise), this.dtype);
    if (this.map_augment && augmentation) embedding = embedding.add(this.map_augment.forward(augmentation));
    embedding = this.map_layer1.forward(ops.silu(this.map_layer0.forward(embedding)));
    if (this.map_label && labels) {
      const drops = this.training && this.labelDropout > 0;
      const shown = drops ? dropLabels(labels, this.labelDropout, batch) : labels;
      embedding = embedding.add(this.map_label.forward(shown));
    }
    return ops.silu(embedding);
  }
}

function blockStyle(options: DhariwalUNetOptions, embeddingChannels: number): BlockStyle {
  return {
    embeddingChannels,
    adaptiveScale: true,
    projectResampled: false,
    skipScale: 1,
    dropout: options.dropout,
    normalizationEps: 1e-5,
    resampleTaps: [1, 1],
    headsFor: (channels) => Math.floor(channels / options.channelsPerHead),
    start: START,
    finalStart: ZERO,
    attentionStart: START,
  };
}
