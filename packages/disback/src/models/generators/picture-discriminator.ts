import { Module, ops, type Tensor } from "@disback/torch";
import { TinyConvolution } from "../autoencoder-tiny/layers.js";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";

/** Sizes of a discriminator of pictures. */
export interface PictureDiscriminatorOptions {
  /** `[C, H, W]`, with H and W multiples of 4 times a power of 2 */
  sampleShape: readonly number[];
  /** channels at half the resolution; doubled with each halving, at most eight times */
  modelChannels: number;
}

/** Largest multiple of the channels. */
const MOST = 8;

/**
 * Tells pictures from one another: strided convolutions down to 4x4 and a linear layer, as DCGAN's discriminator (Radford
 * et al. 2016) without batch normalization, which would let it see the whole batch.
 */
export class PictureDiscriminator extends Module {
  readonly layers: TinyConvolution[];
  readonly last: Dense;

  constructor(source: WeightSource, { sampleShape, modelChannels }: PictureDiscriminatorOptions) {
    super();
    const [imageChannels, resolution] = sampleShape as [number, number];
    const halvings = Math.max(1, Math.ceil(Math.log2(resolution / 4)));
    const channels = Array.from({ length: halvings }, (_, step) => modelChannels * Math.min(MOST, 2 ** step));
    this.layers = channels.map(
      (width, step) => new TinyConvolution(source, channels[step - 1] ?? imageChannels, width, { stride: 2 }),
    );
    const side = Math.ceil(resolution / 2 ** halvings);
    this.last = new Dense(source, channels.at(-1)! * side * side, 1, torchStart);
  }

  /** @param pictures `[N, C, H, W]` @returns logits `[N]`, positive for "real" */
  forward(pictures: Tensor): Tensor {
    let hidden = pictures;
    for (const layer of this.layers) hidden = ops.leaky_relu(layer.forward(hidden), 0.2);
    return this.last.forward(hidden.flatten(1)).squeeze(1);
  }
}
