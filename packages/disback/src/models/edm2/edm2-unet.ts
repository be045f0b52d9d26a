import { cat, type DType, ModuleDict, onesLike, parameter, scope, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { levels } from "../levels.js";
import { dropLabels, inDtype, Network } from "../network.js";
import type { WeightSource } from "../weights.js";
import { Edm2Block } from "./block.js";
import { PreservingFourier, PreservingLayer } from "./layers.js";
import { preservingConcat, preservingSilu, preservingSum } from "./magnitude.js";
import type { Edm2Options } from "./options.js";

/**
 * EDM2's magnitude-preserving U-Net (Karras et al. 2024, figure 21, configuration G). Keys of its state are those of UNet
 * in NVlabs/edm2.
 */
export class Edm2UNet extends Network {
  readonly out_gain: Tensor;
  readonly emb_fourier: PreservingFourier;
  readonly emb_noise: PreservingLayer;
  readonly emb_label: PreservingLayer | null;
  readonly enc: ModuleDict<Edm2Block | PreservingLayer>;
  readonly dec: ModuleDict<Edm2Block>;
  readonly out_conv: PreservingLayer;

  constructor(
    source: WeightSource,
    private readonly options: Edm2Options,
  ) {
    super();
    const { modelChannels, labelDim } = options;
    const widths = levels(options).map(({ channels }) => channels);
    const { noiseMultiplier, embeddingMultiplier } = options;
    const noiseChannels = noiseMultiplier ? modelChannels * noiseMultiplier : widths[0]!;
    const embeddingChannels = embeddingMultiplier ? modelChannels * embeddingMultiplier : Math.max(...widths);
    this.out_gain = parameter(zeros([]));
    this.emb_fourier = new PreservingFourier(source, noiseChannels);
    this.emb_noise = new PreservingLayer(source, noiseChannels, embeddingChannels, 0);
    this.emb_label = labelDim > 0 ? new PreservingLayer(source, labelDim, embeddingChannels, 0) : null;
    const skips: number[] = [];
    this.enc = encoder(source, options, embeddingChannels, skips);
    this.dec = decoder(source, options, embeddingChannels, skips);
    this.out_conv = new PreservingLayer(source, widths[0]!, options.outChannels, 3);
  }

  get dtype(): DType {
    return this.out_conv.weight.dtype;
  }

  /** @param x `[N, C, H, W]` @returns `[N, outChannels, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const embedding = this.embed(x.shape[0]!, noise, labels);
    const encoded = this.encode(x, embedding);
    const { concatBalance } = this.options;
    let hidden = encoded.at(-1)!;
    for (const [name, block] of this.dec) {
      const skip = name.includes("block") ? encoded.pop()! : undefined;
      const before = hidden;
      hidden = scope(() =>
        block.forward(skip ? preservingConcat(before, skip, concatBalance) : before, embedding),
      );
      // Tensors are released as soon as possible.
      skip?.dispose();
      if (!encoded.includes(before)) before.dispose();
    }
    return this.out_conv.forward(hidden, this.out_gain);
  }

  /** The encoder's last output, the bottleneck. */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    return this.encode(x, this.embed(x.shape[0]!, noise, labels)).at(-1)!;
  }

  /** Always throws: a class takes part of the noise embedding's magnitude, which normalized weights cannot give back */
  override stateWithoutLabels(): Map<string, Tensor> {
    throw new DisbackError(
      "edm2: a network with classes contains no unconditional one; train one without classes",
    );
  }

  /**
   * Forced weight normalization (eq. 66): gives every layer's weights unit magnitude without changing the network's
   * function. Call it after each update in training. (The original does it before each pass.)
   */
  normalizeWeights(): void {
    for (const module of this.modules()) if (module instanceof PreservingLayer) module.normalizeWeight();
  }

  /** @returns the features after every part of the encoder, ending with the bottleneck */
  private encode(x: Tensor, embedding: Tensor): Tensor[] {
    // A channel of ones replaces biases, which the layers do not have.
    let hidden = scope(() => cat([x, onesLike(x.narrow(1, 0, 1))], 1));
    const outputs: Tensor[] = [];
    for (const [, part] of this.enc) {
      hidden = part instanceof Edm2Block ? part.forward(hidden, embedding) : part.forward(hidden);
      outputs.push(hidden);
    }
    return outputs;
  }

  private embed(batch: number, noise: Tensor, labels?: Tensor): Tensor {
    return scope(() => {
      let embedding = this.emb_noise.forward(inDtype(this.emb_fourier.forward(noise), this.dtype));
      if (this.emb_label && labels) {
        const { labelDropout, labelDim, labelBalance } = this.options;
        const shown = this.training && labelDropout > 0 ? dropLabels(labels, labelDropout, batch) : labels;
        // One-hot rows get unit magnitude.
        const classes = this.emb_label.forward(shown.mul(Math.sqrt(labelDim)));
        embedding = preservingSum(embedding, classes, labelBalance);
      }
      return preservingSilu(embedding);
    });
  }
}

/** @param skips is filled with the channels of each part's output */
function encoder(
  source: WeightSource,
  options: Edm2Options,
  embeddingChannels: number,
  skips: number[],
): ModuleDict<Edm2Block | PreservingLayer> {
  const parts = new ModuleDict<Edm2Block | PreservingLayer>();
  const half = "encoder";
  let channels = options.inChannels + 1;
  for (const [level, { resolution, channels: wide }] of levels(options).entries()) {
    const name = `${resolution}x${resolution}`;
    if (level === 0) {
      parts.set(`${name}_conv`, new PreservingLayer(source, channels, wide, 3));
      channels = wide;
    } else {
      const same = { inChannels: channels, outChannels: channels, embeddingChannels, half } as const;
      parts.set(`${name}_down`, new Edm2Block(source, { ...same, resample: "down" }, options));
    }
    skips.push(channels);
    const attention = options.attentionResolutions.includes(resolution);
    for (let index = 0; index < options.blocksPerResolution; index++) {
      const shape = { inChannels: channels, outChannels: wide, embeddingChannels, half, attention } as const;
      parts.set(`${name}_block${index}`, new Edm2Block(source, shape, options));
      channels = wide;
      skips.push(channels);
    }
  }
  return parts;
}

/** @param skips channels of the encoder's outputs; is emptied */
function decoder(
  source: WeightSource,
  options: Edm2Options,
  embeddingChannels: number,
  skips: number[],
): ModuleDict<Edm2Block> {
  const parts = new ModuleDict<Edm2Block>();
  const all = levels(options);
  const common = { embeddingChannels, half: "decoder" } as const;
  let channels = skips.at(-1)!;
  for (const [level, { resolution, channels: wide }] of [...all.entries()].reverse()) {
    const name = `${resolution}x${resolution}`;
    const same = { inChannels: channels, outChannels: channels, ...common };
    if (level === all.length - 1) {
      parts.set(`${name}_in0`, new Edm2Block(source, { ...same, attention: true }, options));
      parts.set(`${name}_in1`, new Edm2Block(source, same, options));
    } else {
      parts.set(`${name}_up`, new Edm2Block(source, { ...same, resample: "up" }, options));
    }
    const attention = options.attentionResolutions.includes(resolution);
    for (let index = 0; index <= options.blocksPerResolution; index++) {
      const shape = { inChannels: channels + skips.pop()!, outChannels: wide, ...common, attention };
      parts.set(`${name}_block${index}`, new Edm2Block(source, shape, options));
      channels = wide;
    }
  }
  return parts;
}
