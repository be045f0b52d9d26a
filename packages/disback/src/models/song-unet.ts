import { type DType, ops, type Tensor } from "@disback/torch";
import { Dense } from "./dense.js";
import { FourierEmbedding, type NoiseEmbedding, PositionalEmbedding } from "./embeddings.js";
import { dropLabels, endsOfLevels, inDtype, Network } from "./network.js";
import { SongDecoder } from "./song-decoder.js";
import { SongEncoder } from "./song-encoder.js";
import type { SongUNetOptions } from "./song-options.js";
import type { BlockStyle } from "./unet-block.js";
import type { WeightSource } from "./weights.js";

const START = { distribution: "xavier-uniform" } as const;

/**
 * DDPM++ and NCSN++ (Song et al. 2021) as configured in Karras et al. 2022, table 7.
 * Keys of its state are those of SongUNet in NVlabs/edm.
 */
export class SongUNet extends Network {
  readonly map_noise: NoiseEmbedding;
  readonly map_label: Dense | null;
  readonly map_augment: Dense | null;
  readonly map_layer0: Dense;
  readonly map_layer1: Dense;
  readonly enc: SongEncoder;
  readonly dec: SongDecoder;
  private readonly labelScale: number;
  private readonly labelDropout: number;

  constructor(source: WeightSource, options: SongUNetOptions) {
    super();
    const noiseChannels = options.modelChannels * options.noiseMultiplier;
    const embeddingChannels = options.modelChannels * options.embeddingMultiplier;
    this.labelScale = Math.sqrt(options.labelDim);
    this.labelDropout = options.labelDropout;

    this.map_noise =
      options.embeddingType === "positional"
        ? new PositionalEmbedding(noiseChannels, { order: "sine-first", endpoint: true })
        : new FourierEmbedding(source, noiseChannels, "sine-first");
    this.map_label = options.labelDim > 0 ? new Dense(source, options.labelDim, noiseChannels, START) : null;
    this.map_augment =
      options.augmentDim > 0
        ? new Dense(source, options.augmentDim, noiseChannels, START, { bias: false })
        : null;
    this.map_layer0 = new Dense(source, noiseChannels, embeddingChannels, START);
    this.map_layer1 = new Dense(source, embeddingChannels, embeddingChannels, START);

    const layout = { ...options, style: blockStyle(options, embeddingChannels) };
    this.enc = new SongEncoder(source, layout);
    this.dec = new SongDecoder(source, this.enc.outputChannels, layout);
  }

  get dtype(): DType {
    return this.map_layer0.weight.dtype;
  }

  /** @param x `[N, C, H, W]` @returns `[N, outChannels, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    const embedding = this.embed(x.shape[0]!, noise, labels, augmentation);
    return this.dec.forward(this.enc.forward(x, embedding), embedding);
  }

  /** The output, and the mean over the places of `features`, `[N, channels]`, in one pass. */
  outputAndMean(x: Tensor, noise: Tensor, labels?: Tensor): { output: Tensor; mean: Tensor } {
    const embedding = this.embed(x.shape[0]!, noise, labels);
    const outputs = this.enc.forward(x, embedding);
    const mean = outputs.at(-1)!.mean([2, 3]);
    return { output: this.dec.forward(outputs, embedding), mean };
  }

  /** The encoder's last output, the bottleneck. */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    return this.enc.forward(x, this.embed(x.shape[0]!, noise, labels)).at(-1)!;
  }

  /** The encoder's last output of each resolution, the bottleneck last. */
  override layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor): Tensor[] {
    return endsOfLevels(this.enc.forward(x, this.embed(x.shape[0]!, noise, labels)));
  }

  /** Without a class, `map_label`'s bias b stays in the embedding e: W0 (e + b) + b0 = W0 e + (W0 b + b0). */
  override stateWithoutLabels(): Map<string, Tensor> {
    const state = super.stateWithoutLabels();
    const { map_label, map_layer0 } = this;
    if (map_label) {
      // In double precision, to round once instead of many times.
      const shift = ops.mv(map_layer0.weight.double(), map_label.bias!.double());
      state.set("map_layer0.bias", map_layer0.bias!.double().add(shift).to(this.dtype));
    }
    return state;
  }

  private embed(batch: number, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    let embedding = inDtype(this.map_noise.forward(noise), this.dtype);
    if (this.map_label && labels) {
      const drops = this.training && this.labelDropout > 0;
      const shown = drops ? dropLabels(labels, this.labelDropout, batch) : labels;
      // One-hot rows get unit variance.
      embedding = embedding.add(this.map_label.forward(shown.mul(this.labelScale)));
    }
    if (this.map_augment && augmentation) embedding = embedding.add(this.map_augment.forward(augmentation));
    embedding = ops.silu(this.map_layer0.forward(embedding));
    return ops.silu(this.map_layer1.forward(embedding));
  }
}

function blockStyle(options: SongUNetOptions, embeddingChannels: number): BlockStyle {
  return {
    embeddingChannels,
    adaptiveScale: false,
    projectResampled: true,
    skipScale: Math.SQRT1_2,
    dropout: options.dropout,
    normalizationEps: 1e-6,
    resampleTaps: options.resampleFilter,
    headsFor: () => 1,
    start: START,
    finalStart: { ...START, weightScale: 1e-5 },
    attentionStart: { ...START, weightScale: Math.sqrt(0.2) },
  };
}
