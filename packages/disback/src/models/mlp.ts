import { type DType, Module, ModuleList, ops, type Tensor } from "@disback/torch";
import { Dense } from "./dense.js";
import { PositionalEmbedding } from "./embeddings.js";
import { dropLabels, inDtype, Network } from "./network.js";
import type { WeightSource } from "./weights.js";

/** Options of the network for points. */
export interface MlpOptions {
  inChannels: number;
  outChannels: number;
  /** 0 means unconditional */
  labelDim: number;
  /** 0 means no augmentation labels */
  augmentDim: number;
  /** width of every layer, even */
  hiddenChannels: number;
  /** residual blocks */
  blocks: number;
  /** factor of the noise level before its embedding; choose it so that neighbouring levels differ by some tenths */
  noiseScale: number;
  labelDropout: number;
}

const START = { distribution: "kaiming-normal" } as const;

/** Residual layers on points `[N, D]`, shifted by an embedding of noise level and label: for 2-D data. */
export class Mlp extends Network {
  readonly map_noise: PositionalEmbedding;
  readonly map_label: Dense | null;
  readonly map_augment: Dense | null;
  readonly map_layer0: Dense;
  readonly input: Dense;
  readonly blocks: ModuleList<MlpBlock>;
  readonly output: Dense;
  private readonly noiseScale: number;
  private readonly labelScale: number;
  private readonly labelDropout: number;

  constructor(source: WeightSource, options: MlpOptions) {
    super();
    const { inChannels, outChannels, labelDim, augmentDim, hiddenChannels: width } = options;
    this.noiseScale = options.noiseScale;
    this.labelScale = Math.sqrt(labelDim);
    this.labelDropout = options.labelDropout;
    this.map_noise = new PositionalEmbedding(width, { order: "sine-first" });
    this.map_label = labelDim > 0 ? new Dense(source, labelDim, width, START, { bias: false }) : null;
    this.map_augment = augmentDim > 0 ? new Dense(source, augmentDim, width, START, { bias: false }) : null;
    this.map_layer0 = new Dense(source, width, width, START);
    this.input = new Dense(source, inChannels, width, START);
    this.blocks = new ModuleList(Array.from({ length: options.blocks }, () => new MlpBlock(source, width)));
    this.output = new Dense(source, width, outChannels, { ...START, weightScale: 0 });
  }

  get dtype(): DType {
    return this.input.weight.dtype;
  }

  /** @param x `[N, D]` @returns `[N, outChannels]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    return this.output.forward(ops.silu(this.features(x, noise, labels, augmentation)));
  }

  /** The output of the last block. @returns `[N, hiddenChannels]` */
  features(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    return this.layerFeatures(x, noise, labels, augmentation).at(-1)!;
  }

  /** The outputs of all blocks. @returns each `[N, hiddenChannels]` */
  override layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor[] {
    let embedding = inDtype(this.map_noise.forward(noise.mul(this.noiseScale)), this.dtype);
    if (this.map_label && labels) {
      const drops = this.training && this.labelDropout > 0;
      const shown = drops ? dropLabels(labels, this.labelDropout, x.shape[0]!) : labels;
      embedding = embedding.add(this.map_label.forward(shown.mul(this.labelScale)));
    }
    if (this.map_augment && augmentation) embedding = embedding.add(this.map_augment.forward(augmentation));
    embedding = ops.silu(this.map_layer0.forward(embedding));
    let hidden = this.input.forward(x);
    return [...this.blocks].map((block) => {
      hidden = block.forward(hidden, embedding);
      return hidden;
    });
  }
}

/** h + W1 silu(W0 silu(h) + A e): one residual step, conditioned in its middle. */
class MlpBlock extends Module {
  readonly layer0: Dense;
  readonly affine: Dense;
  readonly layer1: Dense;

  constructor(source: WeightSource, width: number) {
    super();
    this.layer0 = new Dense(source, width, width, START);
    this.affine = new Dense(source, width, width, START);
    this.layer1 = new Dense(source, width, width, { ...START, weightScale: 1e-2 });
  }

  forward(x: Tensor, embedding: Tensor): Tensor {
    const hidden = this.layer0.forward(ops.silu(x)).add_(this.affine.forward(embedding));
    return this.layer1.forward(ops.silu(hidden)).add_(x);
  }
}
