import { type BatchNorm2d, Module, ops, type Tensor } from "@disback/torch";
import { TinyConvolution } from "../autoencoder-tiny/layers.js";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { type ConvolutionalGeneratorOptions, normalization, TransposedConvolution } from "./dcgan.js";
import { inputSizeOf, LatentGenerator } from "./latent-generator.js";

/** Channels at a resolution, as a multiple of `modelChannels` (Liu et al. 2021, their code). */
const MULTIPLES: Readonly<Record<number, number>> = { 4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5 };

/**
 * FastGAN's generator (Liu et al. 2021): nearest-neighbour upsampling and gated convolutions, from 4x4 on, and skip-layer
 * excitations, by which a low resolution scales the channels of one that is sixteen times higher; four times up to 32x32,
 * where there would be none. Without the original's injected noise, so that a latent gives one sample, and without
 * spectral normalization.
 */
export class FastGan extends LatentGenerator {
  readonly init: Gated;
  readonly features: Record<number, UpBlock>;
  readonly excitations: Record<number, Excitation>;
  readonly toImage: TinyConvolution;
  private readonly output: "tanh" | "linear";
  private readonly resolution: number;
  private readonly reach: number;

  constructor(source: WeightSource, options: ConvolutionalGeneratorOptions) {
    const { facts, latentSize, modelChannels, output } = options;
    super(facts, latentSize);
    this.output = output;
    const [imageChannels, resolution] = facts.sampleShape as [number, number];
    this.resolution = resolution;
    this.reach = resolution <= 32 ? 4 : 16;
    const channels = (side: number) => Math.max(1, Math.round(modelChannels * MULTIPLES[side]!));
    const first = { stride: 1, padding: 0 };
    const inputs = inputSizeOf(facts, latentSize);
    this.init = new Gated(
      source,
      new TransposedConvolution(source, inputs, 2 * channels(4), first),
      channels(4),
    );
    this.features = {};
    this.excitations = {};
    for (let side = 8; side <= resolution; side *= 2) {
      // Every second block has two convolutions, as in the original.
      const twice = Math.log2(side) % 2 === 1;
      this.features[side] = new UpBlock(source, channels(side / 2), channels(side), twice);
      const low = side / this.reach;
      if (low >= 4) this.excitations[side] = new Excitation(source, channels(low), channels(side));
    }
    this.toImage = new TinyConvolution(source, channels(resolution), imageChannels, { bias: false });
  }

  protected forward(vector: Tensor): Tensor {
    const made = new Map<number, Tensor>([[4, this.init.forward(vector.unsqueeze(2).unsqueeze(3))]]);
    for (let side = 8; side <= this.resolution; side *= 2) {
      const high = this.features[side]!.forward(made.get(side / 2)!);
      const excitation = this.excitations[side];
      made.set(side, excitation ? excitation.forward(made.get(side / this.reach)!, high) : high);
    }
    const image = this.toImage.forward(made.get(this.resolution)!);
    return this.output === "tanh" ? image.tanh() : image;
  }
}

/** A convolution, batch normalization and a gate: half the channels times the sigmoid of the other half. */
class Gated extends Module {
  readonly norm: BatchNorm2d;

  /** @param convolution with twice as many outputs as `channels` */
  constructor(
    source: WeightSource,
    readonly convolution: TinyConvolution | TransposedConvolution,
    private readonly channels: number,
  ) {
    super();
    this.norm = normalization(source, 2 * channels);
  }

  forward(x: Tensor): Tensor {
    const { channels } = this;
    const hidden = this.norm.forward(this.convolution.forward(x));
    return hidden.narrow(1, 0, channels).mul(hidden.narrow(1, channels, channels).sigmoid());
  }
}

/** Twice the resolution by copying pixels, then one or two gated convolutions. */
class UpBlock extends Module {
  readonly layers: Gated[];

  constructor(source: WeightSource, inChannels: number, outChannels: number, twice: boolean) {
    super();
    const gated = (from: number) =>
      new Gated(source, new TinyConvolution(source, from, 2 * outChannels, { bias: false }), outChannels);
    this.layers = [gated(inChannels), ...(twice ? [gated(outChannels)] : [])];
  }

  forward(x: Tensor): Tensor {
    const [height, width] = x.shape.slice(2) as [number, number];
    const large = ops.upsample_nearest2d(x, [2 * height, 2 * width]);
    return this.layers.reduce((hidden, layer) => layer.forward(hidden), large);
  }
}

/** Skip-layer excitation: `high * sigmoid(W2 silu(W1 pool4x4(low)))` (Liu et al. 2021, eq. 1). */
class Excitation extends Module {
  readonly squeeze: Dense;
  readonly spread: Dense;

  constructor(source: WeightSource, lowChannels: number, highChannels: number) {
    super();
    this.squeeze = new Dense(source, 16 * lowChannels, highChannels, torchStart, { bias: false });
    this.spread = new Dense(source, highChannels, highChannels, torchStart, { bias: false });
  }

  forward(low: Tensor, high: Tensor): Tensor {
    const [, channels, side] = low.shape as [number, number, number];
    const cell = side / 4;
    const pooled = cell > 1 ? ops.avg_pool2d(low, [cell, cell]) : low;
    const vector = pooled.reshape([-1, 16 * channels]);
    const scale = this.spread.forward(ops.silu(this.squeeze.forward(vector))).sigmoid();
    return high.mul(scale.unsqueeze(2).unsqueeze(3));
  }
}
